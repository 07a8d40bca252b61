"""Colour descriptors: what they measure, and that gray sites have none of them."""

from __future__ import annotations

import pytest
import torch

from scripts.radiomics import NAMES, PyRadiomics, TorchRadiomics
from scripts.radiomics.color import COLOR_NAMES
from scripts.radiomics.titles import TITLES


@pytest.fixture
def halves() -> tuple[torch.Tensor, torch.Tensor]:
    """A lesion, half red and half blue, on green; and an image without one."""
    image = torch.zeros(2, 3, 64, 64)
    image[:, 1] = 0.5
    mask = torch.zeros(2, 1, 64, 64)
    mask[0, 0, 20:40, 20:40] = 1
    image[0, :, 20:40, 20:30] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)
    image[0, :, 20:40, 30:40] = torch.tensor([0.0, 0.0, 1.0]).view(3, 1, 1)
    return image, mask


def test_colours_are_measured_by_name(halves: tuple[torch.Tensor, torch.Tensor]) -> None:
    module = TorchRadiomics(color=True)
    values = dict(zip(module.names, module(*halves)[0].tolist(), strict=True))
    assert values["color_red_mean"] == pytest.approx(0.5) and values["color_red_std"] == pytest.approx(0.5)
    assert values["color_green_mean"] == 0 and values["color_green_contrast"] == pytest.approx(-1)
    assert values["color_red_contrast"] == pytest.approx(1)
    assert values["color_entropy"] == pytest.approx(1 / 6, abs=1e-4)  # two of 64 colours
    assert not module(*halves)[1].any()


def test_colour_changes_no_other_descriptor(halves: tuple[torch.Tensor, torch.Tensor]) -> None:
    image, mask = halves
    gray = TorchRadiomics()(image.mean(dim=1, keepdim=True), mask)
    colored = TorchRadiomics(color=True)
    assert colored.names == NAMES + COLOR_NAMES and set(COLOR_NAMES) <= set(TITLES)
    assert torch.equal(colored(image, mask)[:, : len(NAMES)], gray)
    assert torch.equal(TorchRadiomics()(image, mask), gray)


def test_colours_can_be_scripted_and_pyradiomics_has_the_same_names(
    halves: tuple[torch.Tensor, torch.Tensor],
) -> None:
    module = TorchRadiomics(color=True)
    assert torch.equal(torch.jit.script(module)(*halves), module(*halves))
    assert PyRadiomics(color=True).names == module.names
