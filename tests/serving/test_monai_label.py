"""What MONAI Label gets: weights that fit or an error, and masks as its writer and its viewers expect them."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import SimpleITK
import torch
from monai.data import MetaTensor
from torch import nn

from scripts.errors import BundleError
from scripts.serving import AnswerClient, ChooseFirstRegiond, RefuseFailures, UseServedWeights
from scripts.serving.geometry import file_affine

ROWS, COLUMNS = 5, 8


@pytest.fixture
def item(make_finding):
    """An item with a lesion in the upper right corner of a wide image."""
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[0, -2:] = 1
    pred, finding = torch.from_numpy(mask), make_finding(mask)
    return {"pred": pred, "finding": finding, "status": "ok", "reason": "COLOR_FLOW", "image_path": ""}


@pytest.mark.parametrize(
    ("path", "wanted", "extension"),
    [
        ("a.PNG", None, ".png"), ("a.jpeg", None, ".png"), ("1.2.dcm", None, ".nii.gz"), ("a.nii.gz", None, ".nii.gz"),
        ("a.nii", None, ".nii"), ("a.dcm", ".nrrd", ".nrrd"), ("a.png", ".nii.gz", ".nii.gz"),
    ],
)  # fmt: skip
def test_the_answer_has_columns_first_and_a_fitting_kind(item, site, path, wanted, extension):
    answer = AnswerClient(site)({**item, "image_path": path, "result_extension": wanted})
    assert answer["result_extension"] == extension
    assert answer["pred"].shape == ((COLUMNS, ROWS) if extension == ".png" else (COLUMNS, ROWS, 1))
    assert answer["pred"].dtype == torch.uint8
    assert bool((answer["pred"].reshape(COLUMNS, ROWS)[-2:, 0] == 1).all()) and int(answer["pred"].sum()) == 2


def test_the_result_tells_the_finding_in_json(item, site, make_finding):
    result = AnswerClient(site)(item)["result"]
    json.dumps(result, allow_nan=False)
    assert (
        list(result)
        == (
            "lesion_found diagnosis malignancy_probability calibrated indeterminate reliability lesion_evidence "
            "area_px area_mm2 long_axis_mm short_axis_mm lesions radiomics evidence note reason"
        ).split()
    )
    told = [result[name] for name in ("diagnosis", "malignancy_probability", "reason")]
    assert told == ["malignant", 0.83, "COLOR_FLOW"]
    assert (result["area_px"], result["area_mm2"], result["evidence"]["response_peak"]) == (2, "", 0.9)
    (lesion,) = result["lesions"]
    assert (lesion["box"], lesion["diagnosis"], lesion["area_px"]) == ([0, COLUMNS - 2, 1, COLUMNS], "malignant", 2)
    assert {"description", "words", "flags"} <= set(lesion)
    item["finding"] = make_finding(np.zeros((ROWS, COLUMNS), np.uint8), flags=("not calibrated",))
    result = AnswerClient(site)(item)["result"]
    assert (result["lesion_found"], result["malignancy_probability"]) == (False, None)
    assert (result["calibrated"], result["indeterminate"]) == (False, None)


@pytest.mark.parametrize("kind", [".nii.gz", ".nrrd", ".png"])
def test_the_answer_lies_where_itk_sees_the_image(item, site, kind, tmp_path):
    image = SimpleITK.GetImageFromArray(np.zeros((ROWS, COLUMNS), np.uint8))
    if kind != ".png":
        image = SimpleITK.JoinSeries(image)
        image.SetSpacing((0.1, 0.2, 3.0))
        image.SetOrigin((5.0, -7.0, 2.0))
        image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    path = str(tmp_path / f"image{kind}")
    SimpleITK.WriteImage(image, path)
    affine = np.asarray(AnswerClient(site)({**item, "image_path": path, "result_extension": ".nrrd"})["pred"].affine)
    read = SimpleITK.ReadImage(path)
    for index in [(0, 0), (COLUMNS - 1, 0), (0, ROWS - 1)]:
        point = read.TransformIndexToPhysicalPoint((*index, 0) if kind != ".png" else index)
        ras = affine @ [*index, 0, 1]
        assert (-ras[0], -ras[1]) == pytest.approx(point[:2], abs=1e-4)


def test_a_file_that_itk_cannot_read_still_has_an_affine(tmp_path):
    assert np.allclose(file_affine(str(tmp_path / "nothing.dcm")), np.diag([-1, -1, 1, 1]))


def test_what_cannot_be_analysed_ends_in_a_sentence(item):
    assert RefuseFailures()(item)["status"] == "ok"
    with pytest.raises(BundleError, match="TRUNCATED"):
        RefuseFailures()({**item, "status": "failed", "reason": "TRUNCATED"})


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 1)
        self.register_buffer("indeterminate_band", torch.tensor([0.5, 0.5]))


def test_the_definition_holds_the_weights_that_answer(tmp_path):
    files = {"model.pt": 0.1, "cautious.pt": 0.2}
    for name, low in files.items():
        state = {**Small().state_dict(), "indeterminate_band": torch.tensor([low, 0.9])}
        torch.save(state, tmp_path / name)
    network = Small()
    use = UseServedWeights(network, tmp_path)

    def low_after(**request) -> float:
        use(request)
        return round(float(network.indeterminate_band[0]), 4)

    assert low_after() == 0.1
    assert low_after(model_filename="cautious.pt") == 0.2
    assert low_after(model_filename=["model.pt", "cautious.pt"]) == 0.1
    assert low_after(model_filename="../gone.pt") == 0.1
    torch.save({**Small().state_dict(), "indeterminate_band": torch.tensor([0.3, 0.9])}, tmp_path / "model.pt")
    os.utime(tmp_path / "model.pt", ns=(1, 1))
    assert low_after() == 0.3  # trained meanwhile


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"layer.weight": torch.zeros(1, 2), "other": torch.zeros(1)}, tmp_path / "model.pt")
    with pytest.raises(BundleError, match="do not fit this network: it lacks .*unknown other"):
        UseServedWeights(Small(), tmp_path)({})


def test_the_first_region_is_chosen_only_where_there_is_one(tmp_path):
    choose = ChooseFirstRegiond("image")
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert choose({"image": str(tmp_path / "a.png")})["region"] == -1
    assert choose({"image": str(tmp_path / "a.png"), "region": 2})["region"] == 2
    assert "region" not in choose({"image": MetaTensor(torch.zeros(1, 8, 8))})
