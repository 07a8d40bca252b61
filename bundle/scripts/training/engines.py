"""What MONAI's engines need to train a network whose output is named evidence."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.engines import PrepareBatch
from monai.transforms import MapTransform
from torch import Tensor

DIAGNOSES = {"benign": 0, "malignant": 1}


class EncodeDiagnosisd(MapTransform):
    """``benign`` -> 0, ``malignant`` -> 1; ``normal`` or no diagnosis -> -1, from which no diagnosis is learned.

    Args:
        keys: entries with the word; created where missing.
    """

    def __init__(self, keys: KeysCollection = "diagnosis") -> None:
        super().__init__(keys, allow_missing_keys=True)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        for key in self.keys:
            d[key] = DIAGNOSES.get(d.get(key), -1)
        return d


def lesion_log_odds(items: Sequence[Mapping[str, Any]]) -> float:
    """Log-odds of a lesion among the images of those data sets that have normal ones.

    The evidence is trained on what was collected, mostly lesions; at this threshold it asks for better than even odds
    where lesions and normals are equally common. A data set without normals says nothing about absence.

    Args:
        items: a data list, with ``diagnosis`` and ``dataset``.

    Returns:
        The threshold for the evidence logit; 0 where no data set has both.
    """
    mixed = {item.get("dataset") for item in items if item.get("diagnosis") == "normal"}
    normals = sum(item.get("diagnosis") == "normal" for item in items)
    lesions = sum(item.get("diagnosis") != "normal" and item.get("dataset") in mixed for item in items)
    return math.log(lesions / normals) if lesions and normals else 0.0


class PrepareLesionBatch(PrepareBatch):
    """Batch -> images, and targets ``mask`` (B, 1, S, S) and ``diagnosis`` (B)."""

    def __call__(
        self,
        batchdata: dict[str, Any],
        device: str | torch.device | None = None,
        non_blocking: bool = False,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Move to the device."""
        image = batchdata["image"].to(device=device, non_blocking=non_blocking)
        mask = batchdata["label"].to(device=device, non_blocking=non_blocking)
        diagnosis = batchdata["diagnosis"].to(device=device, non_blocking=non_blocking)
        return image, {"mask": mask, "diagnosis": diagnosis}
