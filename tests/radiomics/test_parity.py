"""TorchRadiomics against pyradiomics, the reference, in float64."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from scripts.radiomics import PYRADIOMICS, PyRadiomics, TorchRadiomics

pytest.importorskip("radiomics", reason="pyradiomics is not installed")
SIZE = 64


def masks() -> dict[str, np.ndarray]:
    """Lesions that tend to break a definition."""
    generator = np.random.default_rng(3)
    blank = np.zeros((SIZE, SIZE), bool)
    row, column = np.mgrid[:SIZE, :SIZE]
    blob = gaussian_filter(generator.normal(size=(SIZE, SIZE)), 4)
    shapes = {
        "ellipse": ((row - 30) / 12) ** 2 + ((column - 28) / 22) ** 2 <= 1,
        "at the border": ((row - 2) / 15) ** 2 + ((column - 60) / 20) ** 2 <= 1,
        "several components": blob > 0.05,
        "speckled": generator.random((SIZE, SIZE)) > 0.6,
        "whole image": ~blank,
        "two diagonal pixels": blank.copy(),
        "three pixels": blank.copy(),
        "a line": blank.copy(),
        "two isolated pixels": blank.copy(),
    }
    shapes["two diagonal pixels"][[10, 11], [20, 19]] = True
    shapes["three pixels"][[10, 10, 11], [20, 21, 20]] = True
    shapes["a line"][40, 5:50] = True
    shapes["two isolated pixels"][[5, 50], [5, 60]] = True
    return shapes


def images() -> dict[str, np.ndarray]:
    """Continuous values, and 8-bit ones, which fall exactly on histogram edges."""
    generator = np.random.default_rng(4)
    smooth = gaussian_filter(generator.random((SIZE, SIZE)), 1.5)
    return {
        "smooth": (smooth - smooth.min()) / np.ptp(smooth),
        "8 bit": generator.integers(0, 256, (SIZE, SIZE)) / 255,
        "65 levels": generator.integers(0, 65, (SIZE, SIZE)) / 255,
    }


def assert_parity(image: torch.Tensor, mask: torch.Tensor) -> None:
    measured = TorchRadiomics()(image, mask)
    reference = PyRadiomics()
    for index in range(len(image)):
        expected = reference.measure(image[index, 0].numpy(), mask[index, 0].numpy() > 0.5)
        assert expected.keys() <= PYRADIOMICS.keys()
        for name, value in expected.items():
            if np.isfinite(value):
                found = measured[index, reference.names.index(name)].item()
                assert found == pytest.approx(value, rel=1e-4, abs=1e-7), f"{name}, item {index}"


@pytest.mark.parametrize("image", images().values(), ids=images().keys())
def test_parity_on_difficult_masks(image: np.ndarray) -> None:
    mask = torch.from_numpy(np.stack(list(masks().values()))[:, None]).double()
    assert_parity(torch.from_numpy(image).expand(len(mask), 1, -1, -1), mask)


def test_every_counterpart_is_compared() -> None:
    """A dense lesion must yield every descriptor from pyradiomics, else the parity test would compare nothing."""
    found = PyRadiomics().measure(images()["8 bit"], masks()["ellipse"])
    assert found.keys() == PYRADIOMICS.keys()
    assert all(np.isfinite(list(found.values())))


def test_parity_on_real_lesions() -> None:
    if "RADVLSM_DATA" not in os.environ:
        pytest.skip("RADVLSM_DATA is not set: no real lesions to compare on")
    from PIL import Image

    folder = Path(os.environ["RADVLSM_DATA"]) / "busi"
    items = [
        item for item in json.loads((folder / "datalist.json").read_text())["training"] if "normal" not in item["image"]
    ]
    for item in items[:: len(items) // 6]:
        image = torch.from_numpy(np.array(Image.open(folder / item["image"]).convert("L"))) / 255.0
        mask = np.any([np.array(Image.open(folder / name).convert("L")) > 127 for name in item["label"]], axis=0)
        assert_parity(image.double()[None, None], torch.from_numpy(mask)[None, None].double())


def test_pyradiomics_module_is_interchangeable() -> None:
    """Same names, same shapes, and finite values also where pyradiomics alone would fail."""
    mask = torch.zeros(4, 1, SIZE, SIZE)
    mask[1, 0, 7, 7] = 1
    mask[2, 0, 10:30, 10:40] = 1
    mask[3, 0, 10:30, 10:40] = 1
    image = torch.rand(4, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    image[3] = 0.5
    reference, twin = PyRadiomics(), TorchRadiomics()
    assert reference.names == twin.names
    values = reference(image, mask)
    assert values.dtype == torch.float32 and values.isfinite().all()
    assert torch.equal(values[:2], twin(image, mask)[:2]) and not values[0].any()
    torch.testing.assert_close(values, twin(image, mask), rtol=1e-3, atol=1e-4)
