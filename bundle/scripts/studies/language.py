"""Is language more than decoration? Retrieval of descriptions, and described terms told apart by the region alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine
from monai.metrics import compute_roc_auc
from torch import Tensor
from torch.nn import functional as F

from scripts.epochs import EpochHandler
from scripts.writing.files import write_whole
from scripts.writing.tables import markdown

#: Fewest cases on either side of a pair of terms.
LEAST_CASES = 10


def retrieval(queries: Tensor, texts: Tensor, sentences: Sequence[str], ranks: Sequence[int] = (1, 5, 10)) -> dict:
    """Image-to-description retrieval among the distinct descriptions of a list.

    Args:
        queries: unit queries of each image, shape (N, M, 256); the best one counts.
        texts: unit embedding of each image's description, shape (N, 256).
        sentences: the descriptions; the same sentence is the same answer.
        ranks: R@k for these k.

    Returns:
        ``images``, ``descriptions`` (distinct), and ``R@k`` and ``chance@k`` (k of the distinct ones) for each k.
    """
    first = {sentence: row for row, sentence in reversed(list(enumerate(sentences)))}
    column = {sentence: number for number, sentence in enumerate(first)}
    own = torch.tensor([column[sentence] for sentence in sentences])
    similarity = torch.einsum("nmc,uc->nmu", queries, texts[list(first.values())]).amax(dim=1)
    # Ties count against us.
    rank = (similarity >= similarity.gather(1, own[:, None])).sum(dim=1)
    result: dict[str, float] = {"images": len(sentences), "descriptions": len(first)}
    for k in ranks:
        result[f"R@{k}"] = (rank <= k).float().mean().item()
        result[f"chance@{k}"] = min(1.0, k / len(first))
    return result


def terms_told_apart(
    regions: Tensor, terms: Tensor, morphology: Tensor, lexicon: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """AUC of every pair of values of a term, by which of the two texts the region's token is nearer to.

    Args:
        regions: unit mean token inside each lesion, shape (N, 256).
        terms: unit embedding of every value's text, in the lexicon's order, shape (V, 256).
        morphology: number of each term's value, -1 where nothing is said, shape (N, T).
        lexicon: terms and their values.

    Returns:
        ``term``, ``values``, ``cases`` (of each) and ``auc``, for pairs with enough cases on both sides.
    """
    rows, start = [], 0
    for column, (term, values) in enumerate(lexicon.items()):
        similarity = regions @ terms[start : start + len(values)].t()
        for a, b in combinations(range(len(values)), 2):
            is_a, is_b = morphology[:, column] == a, morphology[:, column] == b
            if min(int(is_a.sum()), int(is_b.sum())) < LEAST_CASES:
                continue
            scores = (similarity[:, a] - similarity[:, b])[is_a | is_b]
            auc = compute_roc_auc(scores, is_a[is_a | is_b].long())
            cases = [int(is_a.sum()), int(is_b.sum())]
            rows.append({"term": term, "values": [values[a], values[b]], "cases": cases, "auc": float(auc)})
        start += len(values)
    return rows


class LanguageReport(EpochHandler):
    """Writes ``language.json`` and ``language.md`` after each validation of stage 1.

    Args:
        output_dir: where they go.
        lexicon: terms and the values each can take, in the order of the embedded ``terms``.
    """

    def __init__(self, output_dir: str | Path, lexicon: Mapping[str, Sequence[str]]) -> None:
        self.output_dir, self.lexicon = Path(output_dir), lexicon
        self.rows: list[dict[str, Any]] = []
        self.terms: Tensor | None = None

    def start(self, engine: Engine) -> None:
        """Forget an earlier validation."""
        self.rows = []

    def measure(self, engine: Engine) -> None:
        """Keep a batch's embeddings."""
        pred, target = engine.state.output["pred"], engine.state.output["label"]
        mask = F.adaptive_avg_pool2d(target["mask"].float(), pred["visual"].shape[-2:])
        regions = F.normalize((pred["visual"] * mask).sum(dim=(2, 3)), dim=1)
        self.terms = pred["terms"].float().cpu()
        for row, sentence in enumerate(engine.state.batch["description"]):
            self.rows.append(
                {
                    "sentence": sentence,
                    "queries": pred["queries"][row].float().cpu(),
                    "text": pred["text"][row].float().cpu(),
                    "region": regions[row].float().cpu(),
                    "morphology": target["morphology"][row].cpu(),
                }
            )

    def finish(self, engine: Engine) -> None:
        """Put the headlines among the engine's metrics and, on the first process, write the files."""
        parts = idist.all_gather(self.rows) if idist.get_world_size() > 1 else [self.rows]
        rows = [row for part in parts for row in part]
        if not rows:
            return
        kept = ("queries", "text", "region", "morphology")
        stacked = {name: torch.stack([row[name] for row in rows]) for name in kept}
        found = retrieval(stacked["queries"], stacked["text"], [row["sentence"] for row in rows])
        pairs = terms_told_apart(stacked["region"], self.terms, stacked["morphology"], self.lexicon)
        engine.state.metrics["retrieval_R@5"] = found["R@5"]
        if pairs:
            engine.state.metrics["term_auc"] = sum(pair["auc"] for pair in pairs) / len(pairs)
        if idist.get_rank() == 0:
            figures = json.dumps({"retrieval": found, "terms": pairs}, indent=1) + "\n"
            write_whole(self.output_dir / "language.json", figures.encode())
            write_whole(self.output_dir / "language.md", language_markdown(found, pairs).encode())


def language_markdown(found: Mapping[str, float], pairs: Sequence[Mapping[str, Any]]) -> str:
    """Both figures as tables."""
    ranks = [
        [name, f"{value:.3f}", f"{found[f'chance@{name[2:]}']:.3f}", f"{value / found[f'chance@{name[2:]}']:.1f}"]
        for name, value in found.items()
        if name.startswith("R@")
    ]
    apart = [
        [pair["term"], " / ".join(pair["values"]), " / ".join(map(str, pair["cases"])), f"{pair['auc']:.3f}"]
        for pair in pairs
    ]
    parts = [
        f"{found['images']} images, {found['descriptions']} distinct descriptions.",
        markdown(["image to description", "R", "chance", "ratio"], ranks),
        markdown(["term", "told apart", "cases", "AUC"], apart),
    ]
    return "\n\n".join(parts) + "\n"
