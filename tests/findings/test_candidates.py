"""Candidates lie where the file has them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import Compose, Resize, ResizeWithPadOrCrop

from scripts.findings.candidates import boxes_in_file, response_on_region


@pytest.mark.parametrize("shape", [(300, 500), (410, 200), (256, 256)])
def test_boxes_return_to_the_file(shape: tuple[int, int]) -> None:
    """A bright rectangle goes through the network's preprocessing; its box comes back where it was."""
    image = torch.zeros(1, *shape)
    image[0, 60:140, 90:180] = 1
    preprocess = Compose([Resize(128, size_mode="longest", mode="nearest"), ResizeWithPadOrCrop((128, 128))])
    rows, columns = (torch.nonzero(preprocess(image)[0].any(dim=axis)).flatten() for axis in (1, 0))
    box = torch.tensor([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]]).float()
    # The region lies 7 rows and 11 columns into the file.
    found = boxes_in_file(box, [7, 11, 7 + shape[0], 11 + shape[1]], 128)[0]
    assert np.allclose(found, [101, 67, 191, 147], atol=max(shape) / 128)
    whole = boxes_in_file(torch.tensor([[0.0, 0, 128, 128]]), [7, 11, 7 + shape[0], 11 + shape[1]], 128)[0]
    assert np.allclose(whole, [11, 7, 11 + shape[1], 7 + shape[0]], atol=0.1), "never beyond the region"


def test_the_response_loses_its_padding() -> None:
    response = torch.zeros(1, 16, 16)
    response[0, 4:12] = torch.linspace(0, 1, 16)
    region = response_on_region(response, [0, 0, 100, 200])
    assert region.shape == (8, 16) and region[0, 0] == 0 and region[7, 15] == 255
