"""One reference image, no training: Dice of other kinds of lesions with the weights of one, by recipe and references.

    python benchmarks/one_shot.py --dataset_dir "['DATA/polyp','DATA/skin','DATA/thyroid']" --output_dir OUT

References are drawn from the training section, ten times, and judged on the validation section; ``--section training``
judges training images that no draw took, to choose by. Images of a set whose first one is coloured are read in colour.
Intervals are bootstrapped over the images, whose Dice is the mean over the draws; *draws* are the least and the
greatest mean of one draw. All is of one view of each image, not mirrored.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bundle_runs import BUNDLE, dataset_folders
from drawn_references import DataSet, damage
from PIL import Image
from scipy import ndimage
from torch import Tensor

from scripts.errors import BundleError
from scripts.evaluation.bootstrap import Bootstrap, NotComputable
from scripts.writing.tables import write_study

COUNTS = (1, 3, 5)
#: Options of :meth:`DataSet.register` and of :func:`show_reference` by row of the ablation.
ABLATION: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ours": ({}, {}),
    "difference of two prototypes (no discriminant)": ({"ridge": 1e4}, {}),
    "one view of each reference": ({"views": 1}, {}),
    "decoder alone draws the mask": ({}, {"share": 1.0}),
    "response alone draws the mask": ({}, {"share": 0.0}),
}


def iou(one: Tensor, other: Tensor) -> float:
    """Mean intersection over union of masks (N, 1, S, S), bool."""
    return float(((one & other).sum(dim=(1, 2, 3)) / (one | other).sum(dim=(1, 2, 3))).mean())


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
    fixed = {"set": data.name, "recipe": "one fixed mask, their mean shape", "references": len(data.references[0])}
    rows.append(fixed | summed_up(data.mean_shape()[None], data.groups, gated))
    for recipe, name in (("rcmed", "RCMed's"), ("discriminant", "ours")):
        for count in COUNTS:
            each = [data.infer(data.register(draw, count), recipe=recipe) for draw in range(data.draws)]
            row = summed_up(np.stack([one for one, _ in each]), data.groups, gated)
            row["Dice, gate off"] = float(np.mean([off for _, off in each]))
            rows.append({"set": data.name, "recipe": name, "references": count} | row)
    return rows


def ablation_table(data: DataSet) -> list[dict[str, Any]]:
    """Ours without one part, by one reference and by five."""
    text, _ = data.infer(None)
    rows = []
    for name, (learned, shown) in ABLATION.items():
        for count in (COUNTS[0], COUNTS[-1]):
            options = {"share": shown["share"] * count} if "share" in shown else {}  # it is divided by the count
            each = np.stack([data.infer(data.register(i, count, **learned), **options)[0] for i in range(data.draws)])
            rows.append({"set": data.name, "variant": name, "references": count} | summed_up(each, data.groups, text))
    return rows


def damage_table(data: DataSet) -> list[dict[str, Any]]:
    """One reference, its mask damaged: Dice over the IoU of the damaged mask with the clean one."""
    text, _ = data.infer(None)
    rows = []
    for how in ("", "dilated", "shifted", "left half", "box"):
        each, kept = [], []
        for draw in range(data.draws):
            masks = data.drawn(draw, 1)[1] > 0
            kept.append(iou(damage(masks, how), masks))
            each.append(data.infer(data.register(draw, 1, how))[0])
        row = {"set": data.name, "mask": how or "clean", "IoU with the clean mask": float(np.mean(kept))}
        rows.append(row | summed_up(np.stack(each), data.groups, text))
    return rows


def draw_cases(data: DataSet, path: Path, count: int = 5, cases: int = 10) -> None:
    """A sheet to look at: a reference, then images; outlines of truth (green), text (red), ours (yellow)."""
    reference = data.register(0, count)
    chosen = np.linspace(0, len(data.images) - 1, cases).astype(int)
    masks = zip(data.masks[chosen] > 0, data.segment(None)[0][chosen], data.segment(reference)[0][chosen], strict=True)
    colors = ((0, 255, 0), (255, 0, 0), (255, 255, 0))
    (image,), (mask,) = data.drawn(0, count)[0][:1], data.drawn(0, count)[1][:1]
    shown = [outlined(image, [(mask > 0, colors[0])])]
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
    parser.add_argument("--section", default="validation", choices=("validation", "training"))
    parser.add_argument("--limit", type=int, default=0, help="images of each set; 0 takes all")
    parser.add_argument("--tables", default="recipes,ablation,damage")
    parser.add_argument("--pictures", action="store_true", help="a sheet of ten cases of each set")
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    made = {"recipes": recipes_table, "ablation": ablation_table, "damage": damage_table}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in arguments.tables.split(",")}
    try:
        for folder in map(Path, ast.literal_eval(dataset_folders(arguments.dataset_dir))):
            data = DataSet(folder, arguments.weights, arguments.draws, arguments.section, arguments.limit)
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
