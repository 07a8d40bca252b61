"""How far can words from a predicted outline be trusted? Their agreement with words from the drawn one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine

from scripts.data import LoadUltrasoundd
from scripts.epochs import EpochHandler
from scripts.errors import BundleError
from scripts.semantics import Lexicon, describe_lesion
from scripts.writing.tables import write_study


def cohens_kappa(one: Sequence[str], other: Sequence[str]) -> float:
    """Agreement of two raters beyond chance: 1 is full, 0 is what chance gives; nan where both say one word alone.

    Args:
        one, other: what each says of the same cases.
    """
    first, second = np.asarray(list(one)), np.asarray(list(other))
    chance = sum((first == word).mean() * (second == word).mean() for word in np.unique(first))
    return float("nan") if chance == 1 else float(((first == second).mean() - chance) / (1 - chance))


class WordAgreement(EpochHandler):
    """Describes each lesion twice, from its drawn and from its predicted mask, and counts how often the terms agree.

    Of each image where a lesion is drawn and one is found, the largest of each mask is described, on the native grid.
    Writes ``words.json`` and ``words.md``: by data set and term the number of images, the share of equal terms, and
    Cohen's kappa. Items travel by :func:`scripts.findings.collate_items`; postprocessing leaves the native mask.

    Args:
        lexicon: the words.
        output_dir: where the files go.
        mask_key: in the output, the emitted mask (1, rows, columns).
        label_key: in the item, the drawn mask, same form.
    """

    def __init__(
        self, lexicon: Lexicon, output_dir: str | Path, mask_key: str = "mask", label_key: str = "label"
    ) -> None:
        if lexicon is None:
            raise BundleError("This site has no lexicon: there are no words to compare. Choose another --site.")
        self.lexicon, self.output_dir = lexicon, output_dir
        self.mask_key, self.label_key = mask_key, label_key
        self.load = LoadUltrasoundd("image")
        self.pairs: dict[str, list[tuple[dict[str, str], dict[str, str]]]] = {}

    def start(self, engine: Engine) -> None:
        """Forget an earlier run."""
        self.pairs = {}

    def measure(self, engine: Engine) -> None:
        """Describe the lesions of one decollated batch."""
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            masks = [torch.as_tensor(of[0]).cpu().numpy() > 0 for of in (item[self.label_key], output[self.mask_key])]
            if not all(mask.any() for mask in masks):
                continue
            item = self.load({**item, "image": str(output["image"].meta["filename_or_obj"])})
            top, left, bottom, right = item["source"]["crop"]
            spacing = item["source"]["spacing"]
            image = np.asarray(item["image"])
            drawn, predicted = (
                describe_lesion(
                    image, mask[top:bottom, left:right], self.lexicon, spacing[0] / spacing[1] if spacing else 1.0
                )
                for mask in masks
            )
            pair = dict(drawn.morphology), dict(predicted.morphology)
            self.pairs.setdefault(str(item["dataset"]), []).append(pair)

    def finish(self, engine: Engine) -> None:
        """Write the tables."""
        if not self.pairs:
            raise BundleError("No lesion was both drawn and found; there are no words to compare.")
        rows: list[dict[str, Any]] = []
        for term in self.lexicon.terms:
            row: dict[str, Any] = {"term": term}
            for name, pairs in sorted(self.pairs.items()):
                drawn, predicted = ([terms[term] for terms in side] for side in zip(*pairs, strict=True))
                row[f"{name}: lesions"] = len(pairs)
                row[f"{name}: agreement"] = float(np.mean([a == b for a, b in zip(drawn, predicted, strict=True)]))
                row[f"{name}: kappa"] = cohens_kappa(drawn, predicted)
            rows.append(row)
        write_study(self.output_dir, "words", rows)
