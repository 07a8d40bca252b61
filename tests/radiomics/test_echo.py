"""Echo, margin contrast and posterior features of drawn images."""

import numpy as np
import pytest
import torch

from scripts.radiomics import TorchRadiomics

SIZE = 160
ROW, COLUMN = (torch.from_numpy(axis).float() for axis in np.mgrid[:SIZE, :SIZE])
RADIUS = torch.hypot(ROW - 60, COLUMN - 80)
LESION = RADIUS <= 25


def measure(image: torch.Tensor, mask: torch.Tensor = LESION) -> dict[str, float]:
    module = TorchRadiomics()
    values = module(image.view(1, 1, SIZE, SIZE), mask.view(1, 1, SIZE, SIZE).float())
    return dict(zip(module.names, values[0].tolist(), strict=True))


def test_dark_lesion_in_bright_tissue() -> None:
    found = measure(torch.where(LESION, 0.2, 0.6))
    assert found["echo_mean"] == pytest.approx(0.2, abs=1e-6)
    assert found["echo_rim_contrast"] == pytest.approx(0.5, abs=0.03)
    assert found["echo_image_contrast"] == pytest.approx(0.48, abs=0.02)
    assert found["margin_gradient_mean"] == pytest.approx(0.4, abs=0.05)
    assert found["margin_indistinct"] == 0
    assert abs(found["echo_halo_contrast"]) < 0.05 and abs(found["echo_core_contrast"]) < 0.05


def test_halo_core_and_indistinct_margin() -> None:
    haloed = torch.where(LESION, 0.2, torch.where(RADIUS < 30, 0.9, 0.5))
    assert measure(haloed)["echo_halo_contrast"] > 0.15
    cored = torch.where(RADIUS < 12.5, 0.1, torch.where(LESION, 0.3, 0.5))
    assert measure(cored)["echo_core_contrast"] == pytest.approx(0.5, abs=0.05)
    half = torch.where(LESION & (COLUMN > 80), 0.2, 0.5)
    assert measure(half)["margin_indistinct"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("below", [0.4, 1.0, 1.6])
def test_shadow_and_enhancement(below: float) -> None:
    image = torch.full((SIZE, SIZE), 0.5)
    image[86:, 55:106] *= below
    found = measure(image)
    assert found["posterior_ratio"] == pytest.approx(below, rel=1e-4)
    assert found["posterior_contrast"] == pytest.approx((below - 1) / (below + 1), abs=1e-4)
    assert found["posterior_inside_contrast"] == pytest.approx((below - 1) / (below + 1), abs=1e-4)


def test_nothing_below_the_lesion_is_neutral() -> None:
    image = torch.where(LESION, 0.2, 0.6)
    found = measure(image.roll(75, 0), LESION.roll(75, 0))
    assert [found[name] for name in ("posterior_ratio", "posterior_contrast", "posterior_inside_contrast")] == [1, 0, 0]


def test_given_field_of_view_replaces_the_guess() -> None:
    """Burnt-in rows below the tissue are not tissue when the caller says so."""
    image = torch.where(LESION, 0.2, 0.6)
    marked = image.clone()
    marked[90:] = 1.0
    valid = (ROW < 90).float().view(1, 1, SIZE, SIZE)
    module, mask = TorchRadiomics(), LESION.float().view(1, 1, SIZE, SIZE)
    cropped = image.view(1, 1, SIZE, SIZE) * valid
    torch.testing.assert_close(module(marked.view(1, 1, SIZE, SIZE), mask, valid), module(cropped, mask))
