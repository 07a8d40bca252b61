"""Descriptors of shapes whose values can be worked out."""

import math

import numpy as np
import pytest
import torch

from scripts.radiomics import TorchRadiomics

SIZE = 160
ROW, COLUMN = (torch.from_numpy(axis).double() for axis in np.mgrid[:SIZE, :SIZE])


def ellipse(tall: float, wide: float, row: float = 79.0, column: float = 79.0) -> torch.Tensor:
    return ((ROW - row) / tall) ** 2 + ((COLUMN - column) / wide) ** 2 <= 1


def star(points: int, depth: float, radius: float = 45.0) -> torch.Tensor:
    """radius * (1 + depth * cos(points * angle))."""
    row, column = ROW - 79, COLUMN - 79
    return torch.hypot(row, column) <= radius * (1 + depth * torch.cos(points * torch.atan2(row, column)))


def square(side: int) -> torch.Tensor:
    return ((ROW - 79.5).abs() < side / 2) & ((COLUMN - 79.5).abs() < side / 2)


def speckle(seed: int = 0) -> torch.Tensor:
    """An image without any zero, (1, 1, SIZE, SIZE)."""
    return 0.2 + 0.6 * torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)).double()


def measure(mask: torch.Tensor, image: torch.Tensor | None = None) -> dict[str, float]:
    module = TorchRadiomics()
    image = speckle() if image is None else image
    values = module(image.view(1, 1, *image.shape[-2:]), mask.view(1, 1, *mask.shape[-2:]).double())
    return dict(zip(module.names, values[0].tolist(), strict=True))


def check(found: dict[str, float], expected: dict[str, float], tolerance: float) -> None:
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=tolerance), name


def test_disc() -> None:
    expected = {
        "shape_depth_to_width": 1,
        "shape_moment_depth_to_width": 1,
        "shape_orientation": 0,
        "shape_elongation": 1,
        "shape_feret_ratio": 1,
        "shape_extent": math.pi / 4,
        "shape_solidity": 1,
        "shape_hull_roundness": 1,
        "shape_ellipse_overlap": 1,
        "shape_area_fraction": math.pi * 45**2 / SIZE**2,
        "margin_radial_mean": 1,
        "margin_radial_std": 0,
        "margin_radial_zero_crossings": 0,
        "margin_ellipse_deviation": 0,
        "margin_residual": 0,
        "margin_closing_ratio": 1,
        "margin_opening_ratio": 1,
    }
    check(measure(ellipse(45, 45)), expected, 0.03)


def test_ellipse_flat_and_upright() -> None:
    flat, upright = measure(ellipse(24, 48)), measure(ellipse(48, 24))
    check(flat, {"shape_depth_to_width": 0.5, "shape_moment_depth_to_width": 0.5, "shape_orientation": 0.6}, 0.02)
    check(upright, {"shape_depth_to_width": 2, "shape_moment_depth_to_width": 2, "shape_orientation": -0.6}, 0.05)
    for found in (flat, upright):
        check(found, {"shape_elongation": 0.5, "shape_feret_ratio": 0.5, "shape_ellipse_overlap": 1}, 0.02)
        check(found, {"margin_radial_zero_crossings": 4, "margin_ellipse_crossings": 0}, 0)


def test_square() -> None:
    found = measure(square(80))
    check(found, {"shape_extent": 1, "shape_solidity": 1, "shape_convexity": 1, "margin_residual": 0}, 0.005)
    # The polygon cuts off four corners of 1/8 pixel, each shortening the outline by 1 - sqrt(1/2).
    sphericity = 2 * math.sqrt(math.pi * (80**2 - 0.5)) / (4 * 80 - 4 * (1 - math.sqrt(0.5)))
    check(found, {"shape_sphericity": sphericity}, 1e-9)
    # The fitted circle has the radius side / sqrt(3); mean radius: side / 2 * mean of 1 / cos on [0, pi / 4].
    check(
        found,
        {
            "shape_ellipse_overlap": 0.8266,
            "margin_radial_mean": math.log(1 + math.sqrt(2)) * 4 / math.pi / math.sqrt(2),
        },
        0.005,
    )
    check(found, {"margin_radial_zero_crossings": 8}, 0)


def test_star() -> None:
    found = measure(star(7, 0.3))
    check(found, {"margin_radial_zero_crossings": 14, "margin_ellipse_crossings": 14}, 0)
    check(found, {"margin_radial_mean": 1 / 1.3, "margin_radial_std": 0.3 / math.sqrt(2) / 1.3}, 0.01)
    check(
        found, {"margin_radial_area_ratio": 0.3 / math.pi, "margin_radial_roughness": 2 * 7 * 2 * 0.3 / 128 / 1.3}, 0.01
    )
    gentle = measure(star(7, 0.1))
    for name in ("shape_solidity", "shape_convexity", "margin_closing_ratio", "margin_opening_ratio"):
        assert found[name] < gentle[name] - 0.02 < 1, name
    for name in ("margin_residual", "margin_residual_depth", "margin_radial_entropy", "margin_ellipse_deviation"):
        assert found[name] > gentle[name] + 0.02 > 0, name


def test_rotation_by_45_degrees_keeps_what_has_no_direction() -> None:
    turned = (((ROW + COLUMN - 158) / 2**0.5 / 24) ** 2 + ((ROW - COLUMN) / 2**0.5 / 48) ** 2) <= 1
    straight, tilted = measure(ellipse(24, 48)), measure(turned)
    names = ["elongation", "feret_ratio", "ellipse_overlap", "hull_roundness", "area_fraction"]
    check(tilted, {f"shape_{name}": straight[f"shape_{name}"] for name in names}, 0.01)
    check(tilted, {"shape_orientation": 0, "shape_depth_to_width": 1}, 0.01)


def test_left_right_flip_changes_nothing() -> None:
    image, mask = speckle(), star(5, 0.25).roll(13, 1) & (COLUMN > 40)
    check(measure(mask.flip(1), image.flip(3)), measure(mask, image), 1e-6)


def test_magnification_keeps_shape_and_margin() -> None:
    small = measure(star(5, 0.2, 30.0))
    large = measure(star(5, 0.2, 60.0))
    for name in small:
        if name.startswith(("shape", "margin")) and "gradient" not in name and name != "shape_area_fraction":
            assert large[name] == pytest.approx(small[name], abs=0.04, rel=0.04) or "indistinct" in name, name
    assert large["shape_area_fraction"] == pytest.approx(4 * small["shape_area_fraction"], rel=0.02)


def test_zero_padding_changes_nothing() -> None:
    """The lesion lies so low that the posterior strips and the rim would run into the padding."""
    image, mask = speckle(), ellipse(30, 40, row=120)
    padded = torch.nn.functional.pad(image, [30, 10, 20, 40])
    check(measure(torch.nn.functional.pad(mask, [30, 10, 20, 40]), padded), measure(mask, image), 1e-9)
