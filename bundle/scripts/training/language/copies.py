"""Copies of images that are made once, so that a frozen encoder's features can be kept: mirrored, and with a lesion of
another image pasted in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import Transform
from torch import Tensor, nn

from ..pasting import paste_lesions


def with_copies(
    items: Sequence[Mapping[str, Any]], absent: str, mirrored: int = 1, pasted: int = 1, seed: int = 0
) -> list[dict[str, Any]]:
    """A data list and copies of its items, each with ``mirror`` and ``donor``.

    Args:
        items: with ``image``, ``label`` and ``diagnosis``.
        absent: the diagnosis of images without a lesion.
        mirrored: 1 adds a mirror image of each.
        pasted: so many copies of each image with a lesion get the lesion of another, every second one mirrored.
        seed: of the choice of donors and places.
    """
    random = np.random.RandomState(seed)
    lesions = [item for item in items if item["diagnosis"] != absent]
    copies = [{**item, "mirror": mirror, "donor": None, "seed": 0} for mirror in range(1 + mirrored) for item in items]
    for number in range(pasted if len(lesions) > 1 else 0):
        for place, item in enumerate(lesions):
            donor = lesions[(place + 1 + random.randint(len(lesions) - 1)) % len(lesions)]
            mirror = (place + number) % 2 if mirrored else 0
            copies.append({**item, "mirror": mirror, "donor": dict(donor), "seed": int(random.randint(2**31))})
    return copies


class ChangeCopyd(Transform):
    """Load an item of `with_copies`, paste the donor's lesion into it, mirror it.

    Args:
        load: loads ``image`` (1|3, S, S) and ``label`` (1, S, S) of an item.
        keep: loaded items are kept in memory for their copies.
    """

    def __init__(self, load: Callable[[dict[str, Any]], Mapping[str, Any]], keep: bool = True) -> None:
        self.load, self.keep = load, keep
        self.kept: dict[str, tuple[Tensor, Tensor]] = {}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The changed copy."""
        item = dict(data)
        image, label = self._loaded(item)
        donor = item.pop("donor", None)
        if donor is not None:
            other, lesion = self._loaded(donor)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(item["seed"])
                changed, pasted = paste_lesions(torch.stack([image, other]), torch.stack([label, lesion]), prob=1.0)
            image, label = changed[0], torch.maximum(label, pasted[0].to(label.dtype))
        if item.pop("mirror", 0):
            image, label = image.flip(-1), label.flip(-1)
        item["image"], item["label"] = image.contiguous(), label.contiguous()
        return item

    def _loaded(self, item: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        name = str(item["image"])
        if name in self.kept:
            image, label = self.kept[name]
            return image.float() / 255, label
        plain = {key: item[key] for key in ("image", "label", "diagnosis", "region") if key in item}
        loaded = self.load(plain)
        image, label = (torch.as_tensor(np.asarray(loaded[key])) for key in ("image", "label"))
        image, label = (image.float().clamp(0, 1) * 255).round(), (label > 0).to(torch.uint8)
        if self.keep:
            self.kept[name] = image.to(torch.uint8), label
        return image / 255, label


class EncodeImaged(Transform):
    """Put a frozen encoder's ``features``, in half precision, in the place of an item's ``image``; a gray copy of it
    stays as ``picture``, uint8 (1, S, S).

    Args:
        network: a :class:`scripts.networks.ClosedLoop`.
        active: otherwise this does nothing, and the network encodes images itself.
    """

    def __init__(self, network: nn.Module, active: bool = True) -> None:
        self.network, self.active = network, active

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Encode one image."""
        item = dict(data)
        if self.active:
            image = torch.as_tensor(item.pop("image")).as_subclass(Tensor)
            item["picture"] = (image.mean(dim=0, keepdim=True) * 255).round().to(torch.uint8)
            features = self.network.encode(image[None].to(self.network.no_mask.device))
            item["features"] = {name: values[0].half().cpu() for name, values in features.items()}
        return item
