"""Evidence of candidates: boxes where the file has them, a file that is whole after every entry, a figure."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.transforms import Compose, Resize, ResizeWithPadOrCrop

from scripts.findings.candidates import boxes_in_file, response_on_region
from scripts.inference.evidence_file import EvidenceFile
from scripts.inference.prediction_table import row_key
from scripts.results.evidence_figure import draw_evidence


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


def row(name: str, region: int = -1) -> dict:
    return {"input": name, "frame": 0, "region": region, "evidence": {"candidates": [{"weight": 1.0}], "of": name}}


def test_the_file_is_valid_after_each_entry_and_goes_on_after_a_kill(tmp_path) -> None:
    path = tmp_path / "evidence.json"
    file = EvidenceFile(path)
    file.start()
    assert json.loads(path.read_text()) == []
    for number, (name, region) in enumerate((("a.png", -1), ("b.dcm", 0), ('c"d\n.png', -1)), start=1):
        file.append(row(name, region))
        assert len(json.loads(path.read_text())) == number
    keys = [(entry["input"], entry["region"]) for entry in json.loads(path.read_text())]
    assert keys == [("a.png", None), ("b.dcm", 0), ('c"d\n.png', None)]

    whole = path.read_bytes()
    path.write_bytes(whole[:-30])  # killed in the middle of the last entry
    EvidenceFile(path).start({row_key(row("b.dcm", 0)), row_key(row('c"d\n.png'))})
    file.append(row("e.png"))
    assert [entry["input"] for entry in json.loads(path.read_text())] == ["b.dcm", "e.png"]
    file.put_in_order({row_key(row("e.png")): 0, row_key(row("b.dcm", 0)): 1})
    assert [entry["input"] for entry in json.loads(path.read_text())] == ["e.png", "b.dcm"]


def test_the_figure_shows_the_response_and_the_boxes() -> None:
    picture = np.full((1, 100, 200), 90, np.uint8)
    response = np.zeros((8, 16), np.uint8)
    response[2:5, 4:8] = 255
    mask = np.zeros((100, 200), np.uint8)
    mask[25:62, 50:100] = 1
    evidence = {
        "response_peak": 1.0,
        "descriptors": [{"name": "solidity", "value": 0.8, "moves_logit_by": 0.7}],
        "candidates": [
            {"box": [50, 25, 100, 62], "weight": 0.9},
            {"box": [150, 60, 190, 95], "weight": 0.1},
            {"box": [0, 0, 40, 0], "weight": 0.0},
        ],
    }
    found = {"lesion_found": True, "diagnosis": "benign", "malignancy_probability": 0.2, "reliability": 0.9}
    figure = np.asarray(draw_evidence(picture, response, mask, [0, 0, 100, 200], evidence, found)).astype(int)
    panel = 320 + 8
    plain, heat, boxes, contour = (figure[8:168, 8 + n * panel : 8 + n * panel + 320] for n in range(4))
    assert (plain == 90).all()
    hot = np.abs(heat - 90).sum(axis=2) > 60
    assert hot[60, 90] and not hot[140, 300], "colour where the response is, none elsewhere"
    changed = np.abs(boxes - 90).sum(axis=2) > 60
    assert changed[40:99, 80].mean() > 0.8 and changed[100:150, 240].mean() > 0.8, "both boxes are drawn"
    assert (np.abs(contour - 90).sum(axis=2) > 60).any()
