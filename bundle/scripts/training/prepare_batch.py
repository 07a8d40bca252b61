"""From a batch to what a network and its loss take."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.engines import PrepareBatch
from monai.transforms import MapTransform
from torch import Tensor, nn

from .pasting import paste_lesions


class EncodeDiagnosisd(MapTransform):
    """A class -> its number; no lesion or no diagnosis -> -1, from which no diagnosis is learned.

    Args:
        names: the classes, in the order of the network's logits.
        keys: entries with the word; created where missing.
    """

    def __init__(self, names: Sequence[str], keys: KeysCollection = "diagnosis") -> None:
        super().__init__(keys, allow_missing_keys=True)
        self.numbers = {name: number for number, name in enumerate(names)}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        for key in self.keys:
            d[key] = self.numbers.get(d.get(key), -1)
        return d


class PrepareLesionBatch(PrepareBatch):
    """Batch -> images, and targets ``mask``, ``pasted`` (B, 1, S, S), ``diagnosis`` and ``asked`` (B).

    Args:
        text_tower: embeds the batch's ``prompt``; None leaves the network to its own fixed prompt.
        paste_prob: share of the images into which another's lesion is pasted.
    """

    def __init__(self, text_tower: nn.Module | None = None, paste_prob: float = 0.0) -> None:
        self.text_tower = text_tower
        self.paste_prob = paste_prob

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor]] | tuple[Tensor, dict[str, Tensor], tuple[Tensor], dict[str, Any]]:
        """Move to the device."""
        image = batchdata["image"].to(device=device, non_blocking=non_blocking)
        mask = batchdata["label"].to(device=device, non_blocking=non_blocking)
        diagnosis = batchdata["diagnosis"].to(device=device, non_blocking=non_blocking)
        image, pasted = paste_lesions(image, mask, self.paste_prob)
        asked = torch.ones_like(diagnosis, dtype=mask.dtype)
        target = {"mask": mask, "pasted": pasted, "diagnosis": diagnosis, "asked": asked}
        if self.text_tower is None or "prompt" not in batchdata:
            return image, target
        target["asked"] = batchdata["asked"].to(target["asked"])
        with torch.no_grad():
            text = self.text_tower.to(device)(batchdata["prompt"])
        return image, target, (text,), {}


class PrepareAlignmentBatch(PrepareBatch):
    """Batch -> images, targets of :class:`AlignmentLoss`, and the texts that ``Alignment.forward`` takes.

    Args:
        lexicon: terms and the values each can take.
        terms: a text for each value, in the same order.
        shuffled: give each image the words of another of its batch, for the ablation.
    """

    def __init__(self, lexicon: Mapping[str, Sequence[str]], terms: Sequence[str], shuffled: bool = False) -> None:
        self.lexicon, self.terms, self.shuffled = lexicon, terms, shuffled

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], tuple[Any, ...], dict[str, Any]]:
        """Move to the device; a term that is not said is -1."""
        image = batchdata["image"].to(device=device, non_blocking=non_blocking)
        morphology = [
            [values.index(value) if value in values else -1 for value in batchdata["morphology"][term]]
            for term, values in self.lexicon.items()
        ]
        texts, morphology = list(batchdata["description"]), torch.tensor(morphology, device=device).t()
        if self.shuffled:
            texts, morphology = texts[1:] + texts[:1], morphology.roll(-1, dims=0)
        target = {
            "mask": batchdata["label"].to(device=device, non_blocking=non_blocking),
            "asked": batchdata["asked"].to(device=device, dtype=image.dtype),
            "morphology": morphology,
        }
        return image, target, (texts, batchdata["prompt"], self.terms), {}
