"""One reference image, no training: Dice of other kinds of lesions with the weights of one, by recipe and references.

    python benchmarks/one_shot.py --dataset_dir "['DATA/polyp','DATA/skin','DATA/thyroid']" --output_dir OUT

References are drawn from the training section, ten times, and judged on the validation section. Images of a set whose
first one is coloured are read in colour. Intervals are bootstrapped over the images, whose Dice is the mean over the
draws; *draws* are the least and the greatest mean of one draw. All is of one view of each image, not mirrored.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle_runs import BUNDLE, dataset_folders
from monai.bundle import ConfigParser
from monai.utils import convert_to_tensor
from PIL import Image
from scipy import ndimage
from torch import Tensor, nn

from scripts.errors import BundleError
from scripts.evaluation.bootstrap import Bootstrap, NotComputable
from scripts.networks.one_shot import Reference, register_references, show_reference
from scripts.writing.tables import write_study

COUNTS, BATCH = (1, 3, 5), 16
#: Options of :func:`register_references` and of :func:`show_reference` by row of the ablation; one reference each.
ABLATION: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ours": ({}, {}),
    "difference of two prototypes (no discriminant)": ({"ridge": 1e4}, {}),
    "weak ridge": ({"ridge": 0.03}, {}),
    "decoder alone draws the mask": ({}, {"share": 1.0}),
    "response alone draws the mask": ({}, {"share": 0.0}),
}


class Encoded(nn.Module):
    """An image encoder that has encoded all images before; a copy shares what it keeps."""

    def __init__(self, encoder: nn.Module, images: Tensor) -> None:
        super().__init__()
        with torch.no_grad():
            parts = [encoder((batch - 0.25) / 0.25) for batch in images.split(BATCH)]
        self.maps = [torch.cat(maps) for maps in zip(*parts, strict=True)]
        self.start = 0

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The maps of the images from ``start`` on."""
        return tuple(maps[self.start : self.start + len(image)] for maps in self.maps)

    def __deepcopy__(self, memo: dict[int, Any]) -> Encoded:
        return self


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


def iou(one: Tensor, other: Tensor) -> float:
    """Mean intersection over union of masks (N, 1, S, S), bool."""
    return float(((one & other).sum(dim=(1, 2, 3)) / (one | other).sum(dim=(1, 2, 3))).mean())


def listed(folder: Path, section: str) -> list[dict[str, Any]]:
    """A section of a folder's data list, with absolute paths; nothing is asked of diagnoses."""
    items = json.loads((folder / "datalist.json").read_text())[section]
    return [
        {**item, "image": str(folder / item["image"]), "label": [str(folder / mask) for mask in item["label"]]}
        for item in ({**item, "label": [item["label"]] if isinstance(item["label"], str) else item["label"]}
                     for item in items)
    ]  # fmt: skip


class DataSet:
    """One set with its network: validation images, encoded, and references to draw from.

    Args:
        folder: with a data list.
        weights: the network's.
        draws: how many draws of references.
        limit: validation images; 0 takes all.
    """

    def __init__(self, folder: Path, weights: Path, draws: int, limit: int = 0) -> None:
        self.name, self.draws = folder.name, draws
        training, validation = (listed(folder, section) for section in ("training", "validation"))
        lesions = [item for item in training if item.get("diagnosis") != "normal"]
        validation = validation[: limit or len(validation)]
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
        self.encoder = self.network.image_encoder
        self.groups = np.array([str(item.get("group", item["image"])) for item in validation])
        self.images, self.masks = self.load(validation)
        self.references = [self.load(random.Random(seed).sample(lesions, max(COUNTS))) for seed in range(draws)]
        self.encoded = Encoded(self.encoder, self.images)

    def load(self, items: Sequence[Mapping[str, Any]]) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) and masks (N, 1, S, S), bool."""
        loaded = [self.transform({"image": item["image"], "label": item["label"]}) for item in items]
        images, masks = (
            [convert_to_tensor(item[key], track_meta=False) for item in loaded] for key in ("image", "label")
        )
        return torch.stack(images), torch.stack(masks) > 0

    def register(self, draw: int, count: int, how: str = "", **options: Any) -> Reference:
        """The reference of one draw, its masks damaged or not."""
        images, masks = (values[:count] for values in self.references[draw])
        self.network.image_encoder = self.encoder
        masks = damage(masks, how) if how else masks
        options = {"ridge": self.options["ridge"], **options}
        return register_references(self.network, images, masks.float(), self.gray, **options)

    def infer(self, reference: Reference | None, **options: Any) -> tuple[np.ndarray, np.ndarray]:
        """Dice of each validation image, with the gate and without."""
        gated, free = self.segment(reference, **options)
        return dice(gated, self.masks), dice(free, self.masks)

    def segment(self, reference: Reference | None, **options: Any) -> tuple[Tensor, Tensor]:
        """Masks of the validation images, bool (N, 1, S, S), with the gate and without."""
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
        drawn = torch.cat([masks for _, masks in self.references]).float()
        return dice((drawn.mean(dim=0, keepdim=True) >= 0.5).expand_as(self.masks), self.masks)


def summed_up(each: np.ndarray, groups: np.ndarray, text: np.ndarray | None = None) -> dict[str, str]:
    """Mean Dice, and the gain over the text, with intervals.

    Args:
        each: Dice by draw and image, shape (draws, N).
        groups: of images, shape (N).
        text: Dice by image without a reference, shape (N).
    """

    def told(values: np.ndarray, sign: str = "") -> str:
        try:
            draws = Bootstrap().draw(groups, lambda weights: (weights * values).sum(axis=1) / weights.sum(axis=1))
            low, high = Bootstrap().interval(draws)
        except NotComputable:
            return f"{values.mean():{sign}.3f}"
        return f"{values.mean():{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"

    means = each.mean(axis=1)
    spread = f"{means.min():.3f} to {means.max():.3f}" if len(means) > 1 else None
    row = {"Dice": told(each.mean(axis=0)), "draws": spread}
    return row | {"gain over text": None if text is None else told(each.mean(axis=0) - text, "+")}


def recipes_table(data: DataSet) -> list[dict[str, Any]]:
    """The text alone, one fixed mask, RCMed's recipe, and ours, by number of references."""
    gated, free = data.infer(None)
    rows = [{"set": data.name, "recipe": "text alone", "references": 0} | summed_up(gated[None], data.groups)]
    rows[0]["Dice, gate off"] = float(free.mean())
    shape = summed_up(data.mean_shape()[None], data.groups, gated)
    rows.append({"set": data.name, "recipe": "one fixed mask, their mean shape", "references": 5 * data.draws} | shape)
    for recipe, name in (("rcmed", "RCMed's"), ("discriminant", "ours")):
        for count in COUNTS:
            each = [data.infer(data.register(draw, count), recipe=recipe) for draw in range(data.draws)]
            row = summed_up(np.stack([one for one, _ in each]), data.groups, gated)
            row["Dice, gate off"] = float(np.mean([off for _, off in each]))
            rows.append({"set": data.name, "recipe": name, "references": count} | row)
    return rows


def ablation_table(data: DataSet) -> list[dict[str, Any]]:
    """Ours without one ingredient, by one reference and by five."""
    text, _ = data.infer(None)
    rows = []
    for name, (learned, shown) in ABLATION.items():
        for count in (COUNTS[0], COUNTS[-1]):
            each = np.stack([data.infer(data.register(i, count, **learned), **shown)[0] for i in range(data.draws)])
            rows.append({"set": data.name, "variant": name, "references": count} | summed_up(each, data.groups, text))
    return rows


def damage_table(data: DataSet) -> list[dict[str, Any]]:
    """One reference, its mask damaged: Dice over the IoU of the damaged mask with the clean one."""
    text, _ = data.infer(None)
    rows = []
    for how in ("", "dilated", "shifted", "left half", "box"):
        each, kept = [], []
        for draw in range(data.draws):
            masks = data.references[draw][1][:1]
            kept.append(iou(damage(masks, how), masks))
            each.append(data.infer(data.register(draw, 1, how))[0])
        row = {"set": data.name, "mask": how or "clean", "IoU with the clean mask": float(np.mean(kept))}
        rows.append(row | summed_up(np.stack(each), data.groups, text))
    return rows


def draw_cases(data: DataSet, path: Path, cases: int = 10) -> None:
    """A sheet to look at: a reference, then validation images; outlines of truth (green), text (red), ours (yellow)."""
    reference = data.register(0, 1)
    chosen = np.linspace(0, len(data.images) - 1, cases).astype(int)
    masks = zip(data.masks[chosen], data.segment(None)[0][chosen], data.segment(reference)[0][chosen], strict=True)
    colors = ((0, 255, 0), (255, 0, 0), (255, 255, 0))
    shown = [outlined(data.references[0][0][0], [(data.references[0][1][0], colors[0])])]
    for image, each in zip(data.images[chosen], masks, strict=True):
        shown.append(outlined(image, list(zip(each, colors, strict=True))))
    shown += [np.zeros_like(shown[0])] * (-len(shown) % 4)
    rows = [np.concatenate(shown[start : start + 4], axis=1) for start in range(0, len(shown), 4)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).resize((4 * 320, len(rows) * 320)).save(path)


def outlined(image: Tensor, masks: Sequence[tuple[Tensor, tuple[int, int, int]]]) -> np.ndarray:
    """An image (3, S, S) with the outlines of masks (1, S, S) in their colours, uint8 (S, S, 3)."""
    picture = (255 * image.permute(1, 2, 0).clamp(0, 1)).byte().numpy().copy()
    for mask, color in masks:
        inside = mask[0].numpy()
        picture[inside & ~ndimage.binary_erosion(inside)] = color
    return picture


def main() -> None:
    """Write ``recipes.md``, ``ablation.md``, ``damage.md`` and the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="folders with a data list")
    parser.add_argument("--weights", type=Path, default=BUNDLE / "models" / "model.pt")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--limit", type=int, default=0, help="validation images of each set; 0 takes all")
    parser.add_argument("--tables", default="recipes,ablation,damage")
    parser.add_argument("--pictures", action="store_true", help="a sheet of ten cases of each set")
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    made = {"recipes": recipes_table, "ablation": ablation_table, "damage": damage_table}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in arguments.tables.split(",")}
    try:
        for folder in map(Path, ast.literal_eval(dataset_folders(arguments.dataset_dir))):
            data = DataSet(folder, arguments.weights, arguments.draws, arguments.limit)
            if arguments.pictures:
                draw_cases(data, arguments.output_dir / f"{data.name}.png")
            for name in rows:
                rows[name] += made[name](data)
                write_study(arguments.output_dir, name, rows[name])
                print((arguments.output_dir / f"{name}.md").read_text(), flush=True)
    except BundleError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
