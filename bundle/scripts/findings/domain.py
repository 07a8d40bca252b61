"""Images of another kind than the network was trained on are told, not diagnosed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Transform

OUT_OF_DOMAIN = "OUT_OF_DOMAIN"


class JudgeDomaind(Transform):
    """Mark an image whose features are unlike those of the training images.

    Reads ``domain_distance`` of ``pred`` (the outputs of one image), which is 0 where it was never fitted. Leaves
    ``out_of_domain``: True or False, None where nothing is known. Such an image becomes ``status`` skipped with the
    ``reason`` OUT_OF_DOMAIN, or is noted alone.

    Args:
        kind: what the network knows, in words, such as "breast ultrasound".
        any_image: analyse such images all the same, with a note.
    """

    def __init__(self, kind: str, any_image: bool = False) -> None:
        self.kind, self.any_image = kind, any_image

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        distance = float(item["pred"].get("domain_distance", 0.0))
        item["out_of_domain"] = distance > 1 if distance > 0 else None
        if item["out_of_domain"] and item.get("status", "ok") == "ok":
            told = [f"{OUT_OF_DOMAIN} unlike the {self.kind} images that the network knows"]
            if not self.any_image:
                told[0] += " (--any_image true analyses it)"
                item["status"] = "skipped"
            item["reason"] = "; ".join(told + [item["reason"]] if item.get("reason") else told)
        return item
