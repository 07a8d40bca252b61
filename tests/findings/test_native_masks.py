"""Masks come back to the grid of the file that they were made from."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import (
    AsDiscreted,
    Compose,
    FillHoles,
    Invertd,
    RemoveSmallObjects,
    Resized,
    ResizeWithPadOrCropd,
)

from scripts.findings.native_masks import MaskProbabilitiesd, PasteCropd, WithinBoxd


@pytest.mark.parametrize("rows, columns", [(300, 411), (417, 120), (50, 61)])
def test_a_mask_returns_to_its_place_on_the_native_grid(rows, columns):
    true = torch.zeros(1, rows, columns)
    true[:, rows // 4 : rows // 2, columns // 5 : columns // 2] = 1
    size = 256
    preprocessing = Compose(
        [
            Resized("image", spatial_size=size, size_mode="longest", mode="bilinear"),
            ResizeWithPadOrCropd("image", spatial_size=(size, size)),
        ]
    )
    item = preprocessing({"image": MetaTensor(true)})
    item["pred"] = {"gated_mask_logits": torch.where(item["image"] > 0.5, 6.0, -6.0)}
    item["source"] = {"rows": rows + 40, "columns": columns + 30, "crop": [10, 20, 10 + rows, 20 + columns]}
    postprocessing = Compose(
        [
            MaskProbabilitiesd({"mask": "gated_mask_logits"}),
            Invertd("mask", transform=preprocessing, orig_keys="image", nearest_interp=False),
            AsDiscreted("mask", threshold=0.5),
            PasteCropd("mask"),
        ]
    )
    mask = postprocessing(item)["mask"]
    assert mask.shape == (1, rows + 40, columns + 30) and set(mask.unique().tolist()) == {0, 1}
    inside = mask[:, 10 : 10 + rows, 20 : 20 + columns]
    assert inside.sum() == mask.sum()
    assert 2 * (inside * true).sum() / (inside.sum() + true.sum()) > 0.96
    assert item["pred"]["gated_mask_logits"].max() == 6  # the evidence itself stays as it was


def test_a_closed_gate_leaves_an_empty_mask():
    item = MaskProbabilitiesd({"mask": "gated_mask_logits"})(
        {"pred": {"gated_mask_logits": torch.full((1, 8, 8), -10)}}
    )
    assert item["mask"].max() < 1e-4


@pytest.mark.parametrize("seed", range(12))
def test_transforms_within_the_box_give_what_they_give_on_the_whole_image(seed):
    from scipy import ndimage

    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(90, 70)), 2.5)
    mask = torch.from_numpy(values > np.quantile(values, 0.55 + 0.04 * seed))[None].float()
    if seed % 3:  # off the image's border on all sides, or on none
        mask[:, :12] = mask[:, -9:] = mask[..., :7] = mask[..., -11:] = 0
    steps = (FillHoles(), RemoveSmallObjects(min_size=30))
    got = WithinBoxd("mask", steps)({"mask": MetaTensor(mask)})["mask"]
    assert torch.equal(got, torch.as_tensor(Compose(steps)(mask.clone()))) and not torch.equal(got, mask)


def test_transforms_are_not_asked_about_an_empty_mask():
    assert not WithinBoxd("mask", [lambda _: 1 / 0])({"mask": torch.zeros(1, 9, 9)})["mask"].any()
