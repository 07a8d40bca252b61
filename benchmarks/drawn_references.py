"""Sets for ``one_shot.py``: a network without its slow parts, images seen once, references drawn and damaged."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle_runs import BUNDLE
from monai.bundle import ConfigParser
from monai.utils import convert_to_tensor
from PIL import Image
from scipy import ndimage
from torch import Tensor, nn

from scripts.networks.encoders.blocks import standardize
from scripts.networks.one_shot import Reference, learn_references, see_references, show_reference
from scripts.networks.one_shot.registration import as_views

#: How many references are drawn together, and images in one pass.
MOST, BATCH = 5, 16


class Encoded(nn.Module):
    """An image encoder that has encoded all images before; a copy shares what it keeps."""

    def __init__(self, encoder: nn.Module, images: Tensor) -> None:
        super().__init__()
        stages = []
        with torch.no_grad():
            for batch in images.split(BATCH):
                maps = encoder.bottom_up(standardize(batch))
                stages.append([*maps[2:4], *encoder.top_down(maps)])
        self.maps = [torch.cat(maps) for maps in zip(*stages, strict=True)]
        self.start, self.size = 0, 0

    def bottom_up(self, image: Tensor) -> list[Tensor]:
        """The stages of the images from ``start`` on, those that are matched."""
        self.size = len(image)
        at_s8, at_s16 = self._kept()[:2]
        return [at_s8, at_s8, at_s8, at_s16]

    def top_down(self, maps: list[Tensor]) -> tuple[Tensor, ...]:
        """The encoder's maps of the same images."""
        return self._kept()[2:]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The maps of the images from ``start`` on."""
        return self.top_down(self.bottom_up(image))

    def __deepcopy__(self, memo: dict[int, Any]) -> Encoded:
        return self

    def _kept(self) -> tuple[Tensor, ...]:
        return tuple(maps[self.start : self.start + self.size] for maps in self.maps)


class NoRadiomics(nn.Module):
    """Radiomics are slow, and no mask depends on them."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = names

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Zeros (B, R)."""
        return image.new_zeros(len(image), len(self.names))


def dice(found: Tensor, true: Tensor) -> np.ndarray:
    """Dice of masks (B, 1, S, S), bool, shape (B)."""
    both, sizes = (found & true).sum(dim=(1, 2, 3)), found.sum(dim=(1, 2, 3)) + true.sum(dim=(1, 2, 3))
    return torch.where(sizes > 0, 2 * both / sizes.clamp(min=1), torch.ones_like(sizes).float()).numpy()


def damage(masks: Tensor, how: str) -> Tensor:
    """Reference masks (N, 1, S, S), bool, as a hasty hand draws them."""
    damaged = []
    for mask in masks[:, 0].numpy():
        rows, columns = np.nonzero(mask)
        step = max(2, round(0.25 * mask.sum() ** 0.5))
        if how == "dilated":
            mask = ndimage.binary_dilation(mask, iterations=step)
        elif how == "shifted":
            moved = np.roll(mask, (step, step), axis=(0, 1))
            moved[:step], moved[:, :step] = False, False
            mask = moved if moved.any() else mask
        elif how == "left half":
            mask = mask & (np.arange(mask.shape[1]) <= columns.mean())[None]
        elif how == "box":
            mask = np.zeros_like(mask)
            mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
        damaged.append(torch.from_numpy(mask))
    return torch.stack(damaged).unsqueeze(1)


def listed(folder: Path, section: str) -> list[dict[str, Any]]:
    """A section of a folder's data list, with absolute paths; nothing is asked of diagnoses."""
    items = json.loads((folder / "datalist.json").read_text())[section]
    return [
        {**item, "image": str(folder / item["image"]), "label": [str(folder / mask) for mask in item["label"]]}
        for item in ({**item, "label": [item["label"]] if isinstance(item["label"], str) else item["label"]}
                     for item in items)
    ]  # fmt: skip


class DataSet:
    """One set with its network: images to judge, encoded, and references to draw from.

    Args:
        folder: with a data list.
        weights: the network's.
        draws: how many draws of references, from the training section.
        section: whose images are judged; of training, those that no draw took.
        limit: images to judge; 0 takes all.
    """

    def __init__(self, folder: Path, weights: Path, draws: int, section: str = "validation", limit: int = 0) -> None:
        self.name, self.draws = folder.name, draws
        lesions = [item for item in listed(folder, "training") if item.get("diagnosis") != "normal"]
        self.rows = [random.Random(seed).sample(range(len(lesions)), MOST) for seed in range(draws)]
        drawn = sorted({row for rows in self.rows for row in rows})
        self.rows = [[drawn.index(row) for row in rows] for rows in self.rows]
        judged = [item for row, item in enumerate(lesions) if row not in drawn]
        judged = random.Random(0).sample(judged, len(judged)) if section == "training" else listed(folder, section)
        judged = judged[: limit or len(judged)]
        with Image.open(lesions[0]["image"]) as picture:
            channels = np.asarray(picture.convert("RGB"))
        self.gray = bool((np.ptp(channels, axis=2) == 0).all())
        parser = ConfigParser()
        parser.read_config(BUNDLE / "configs" / "inference.json")
        options = {"bundle_root": str(BUNDLE), "weights": str(weights), "gray": self.gray, "mirror": False}
        parser.update({**options, "device": "$torch.device('cpu')"})
        self.options = {name: parser.get_parsed_content(f"reference_{name}") for name in ("ridge", "share")}
        self.transform = parser.get_parsed_content("reference_preprocessing")
        self.network = parser.get_parsed_content("network").eval()
        self.network.radiomics = NoRadiomics(self.network.radiomics.names)
        self.groups = np.array([str(item.get("group", item["image"])) for item in judged])
        self.images, self.masks = self.load(judged)
        self.references = self.load([lesions[row] for row in drawn])
        self.views = see_references(self.network, *self.references, self.gray)
        self.encoder = self.network.image_encoder
        self.encoded = Encoded(self.encoder, self.images)

    def load(self, items: Sequence[Mapping[str, Any]]) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) and masks (N, 1, S, S) of 0 and 1."""
        loaded = [self.transform({"image": item["image"], "label": item["label"]}) for item in items]
        images, masks = (
            [convert_to_tensor(item[key], track_meta=False) for item in loaded] for key in ("image", "label")
        )
        return torch.stack(images), (torch.stack(masks) > 0).float()

    def drawn(self, draw: int, count: int) -> tuple[Tensor, Tensor]:
        """Images and masks of one draw."""
        rows = self.rows[draw][:count]
        return self.references[0][rows], self.references[1][rows]

    def register(self, draw: int, count: int, how: str = "", views: int = 0, **options: Any) -> Reference:
        """The reference of one draw; its masks damaged, or only the first of its views."""
        rows = self.rows[draw][:count]
        masks = self.views.masks[rows]
        if how:
            masks = as_views(damage(self.references[1][rows] > 0, how).float(), turned=not self.gray)
        seen = slice(views or masks.shape[1])
        seen = replace(
            self.views,
            features=[maps[rows][:, seen] for maps in self.views.features],
            embedding=self.views.embedding[rows][:, seen],
            masks=masks[:, seen],
        )
        self.network.image_encoder = self.encoder
        return learn_references(self.network, seen, self.gray, **{"ridge": self.options["ridge"], **options})

    def infer(self, reference: Reference | None, **options: Any) -> tuple[np.ndarray, np.ndarray]:
        """Dice of each image, with the gate and without."""
        gated, free = self.segment(reference, **options)
        return dice(gated, self.masks > 0), dice(free, self.masks > 0)

    def segment(self, reference: Reference | None, **options: Any) -> tuple[Tensor, Tensor]:
        """Masks of the images, bool (N, 1, S, S), with the gate and without."""
        self.network.image_encoder = self.encoded
        network = copy.deepcopy(self.network)
        if reference is not None:
            show_reference(network, reference, **{"share": self.options["share"], **options})
        gated, free = [], []
        for start in range(0, len(self.images), BATCH):
            self.encoded.start, batch = start, slice(start, start + BATCH)
            with torch.no_grad():
                outputs = network.forward_named(self.images[batch])
            gated.append(outputs["gated_mask_logits"] > 0)
            free.append(outputs["mask_logits"] > 0)
        return torch.cat(gated), torch.cat(free)

    def mean_shape(self) -> np.ndarray:
        """Dice of one fixed mask: where half of all references that were drawn have their lesion."""
        fixed = self.references[1].mean(dim=0, keepdim=True) >= 0.5
        return dice(fixed.expand_as(self.masks), self.masks > 0)
