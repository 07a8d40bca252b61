"""Ultrasound augmentation: random, reproducible, within range, and nothing invented in the padding."""

import pytest
import torch

from scripts.training import RandBurntInMarksd, RandDepthGaind, RandGaind, RandSpeckled

EVERY = [RandGaind, RandDepthGaind, RandSpeckled, RandBurntInMarksd]


@pytest.fixture()
def item():
    torch.manual_seed(0)
    image = 0.2 + 0.6 * torch.rand(1, 64, 48).repeat(3, 1, 1)
    image[..., :8] = 0
    return {"image": image, "label": torch.ones(1, 64, 48)}


@pytest.mark.parametrize("transform", EVERY)
def test_changes_the_image_alone_reproducibly_and_in_range(transform, item):
    before = item["image"].clone()
    once = transform("image", prob=1.0).set_random_state(seed=3)(item)["image"]
    again = transform("image", prob=1.0).set_random_state(seed=3)(item)["image"]
    other = transform("image", prob=1.0).set_random_state(seed=4)(item)["image"]
    assert torch.equal(item["image"], before), "the cached image must stay as it is"
    assert torch.equal(once, again) and not torch.equal(once, other)
    assert not torch.equal(once, before)
    assert once.min() >= 0 and once.max() <= 1
    assert torch.equal(once[0], once[1]) and torch.equal(once[0], once[2])
    if transform is not RandBurntInMarksd:
        assert once[..., :8].abs().max() == 0


def test_depth_gain_varies_with_depth_alone(item):
    item["image"] = torch.full((3, 64, 48), 0.5)
    image = RandDepthGaind("image", prob=1.0).set_random_state(seed=0)(item)["image"]
    assert image.std(dim=2).max() < 1e-6 and image.std(dim=1).min() > 1e-3


@pytest.mark.parametrize("transform", EVERY)
def test_probability_zero_is_identity(transform, item):
    assert torch.equal(transform("image", prob=0.0)(item)["image"], item["image"])
