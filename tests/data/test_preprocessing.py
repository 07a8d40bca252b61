"""Preprocessing of inference gives what MONAI's own transforms give."""

from __future__ import annotations

import pytest
import torch
from monai.transforms import Compose, Resized

from scripts.data import EnsureThreeChannelsd, OneGrayChanneld, SmoothBeforeShrinkingd

SIZE = 64
SHAPES = [(1, 200, 150), (3, 130, 190), (1, 65, 40), (1, 500, 20), (1, 64, 64), (3, 40, 30)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gray", [True, False])
def test_smoothing_before_shrinking_is_monai_s_anti_aliasing(shape: tuple[int, int, int], gray: bool) -> None:
    item = {"image": torch.rand(shape, generator=torch.Generator().manual_seed(1))}
    resize = {"keys": "image", "spatial_size": SIZE, "size_mode": "longest", "mode": "bilinear"}
    theirs = Compose([EnsureThreeChannelsd("image", gray), Resized(**resize, anti_aliasing=True)])
    ours = Compose([
        OneGrayChanneld("image", gray),
        SmoothBeforeShrinkingd("image", SIZE),
        EnsureThreeChannelsd("image", gray),
        Resized(**resize),
    ])  # fmt: skip
    expected, got = theirs(dict(item))["image"], ours(dict(item))["image"]
    assert got.shape == expected.shape and got.shape[0] == 3
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-6)


def test_one_channel_is_left_at_gray_sites_alone() -> None:
    color = torch.rand(3, 8, 8)
    assert OneGrayChanneld("image")({"image": color})["image"].shape == (1, 8, 8)
    assert OneGrayChanneld("image", gray=False)({"image": color})["image"] is color
    equal = color[:1].repeat(3, 1, 1)
    assert torch.equal(OneGrayChanneld("image")({"image": equal})["image"], equal[:1])
