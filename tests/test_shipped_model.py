"""The shipped default on the sample images: found where a lesion is, and where it is sure, named as its pathology."""

import csv
import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
from monai.bundle import ConfigWorkflow
from PIL import Image
from scipy.ndimage import binary_dilation

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SAMPLES = BUNDLE / "sample_data" / "dicom"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Rows by input, and where the files are."""
    output_dir = tmp_path_factory.mktemp("results")
    workflow = ConfigWorkflow(
        config_file=str(BUNDLE / "configs" / "inference.json"),
        workflow_type="infer",
        bundle_root=str(BUNDLE),
        dataset_dir=str(SAMPLES),
        output_dir=str(output_dir),
        num_workers=0,
        num_writers=0,
        device="$torch.device('cpu')",
    )
    workflow.initialize()
    workflow.run()
    with (output_dir / "predictions.csv").open(newline="") as file:
        return {row["input"]: row for row in csv.DictReader(file)}, output_dir


def test_every_sample_gets_its_pathology_or_is_indeterminate(results):
    rows, output_dir = results
    assert len(rows) == 6
    lesions = [row for row in rows.values() if row["lesion_found"] == "true"]
    assert sum(row["indeterminate"] == "false" for row in lesions) >= 3
    for name, row in rows.items():
        header = pydicom.dcmread(SAMPLES / name, stop_before_pixels=True)
        expected = next(word for word in ("benign", "malignant", "normal") if word in str(header.ImageComments).lower())
        mask = np.asarray(Image.open(output_dir / row["mask"]))
        assert mask.shape == (header.Rows, header.Columns)
        assert row["lesion_found"] == ("false" if expected == "normal" else "true"), name
        if row["indeterminate"] == "false":
            assert row["diagnosis"] == ("none" if expected == "normal" else expected), name
        assert (mask.max() > 0) == (expected != "normal")
        assert 0.0 <= float(row["reliability"]) <= 1.0


def test_malignant_samples_are_the_more_suspicious(results):
    """Whether the answers are determinate or not."""
    rows, _ = results
    probabilities = {"benign": [], "malignant": []}
    for name, row in rows.items():
        comment = str(pydicom.dcmread(SAMPLES / name, stop_before_pixels=True).ImageComments).lower()
        for word in probabilities:
            if word in comment:
                probabilities[word].append(float(row["malignancy_probability"]))
    assert len(probabilities["malignant"]) == len(probabilities["benign"]) == 2
    assert min(probabilities["malignant"]) > max(probabilities["benign"]) + 0.25


def test_the_mask_lies_on_the_lesion(results):
    """Lesions of the samples are darker than the tissue around them, 20 pixels wide."""
    rows, output_dir = results
    for name, row in rows.items():
        if row["lesion_found"] == "true":
            pixels = pydicom.dcmread(SAMPLES / name).pixel_array.astype(float)
            pixels = pixels if pixels.ndim == 2 else pixels.mean(axis=-1)
            mask = np.asarray(Image.open(output_dir / row["mask"])) > 0
            assert 0.005 < mask.mean() < 0.5
            around = binary_dilation(mask, iterations=20) & ~mask
            assert pixels[mask].mean() < 0.65 * pixels[around].mean()


@pytest.mark.skipif("RADVLSM_DATA" not in os.environ, reason="RADVLSM_DATA names no folder with busi/ and busbra/")
def test_the_mask_is_the_reference(results):
    """The samples are of the validation list: what this guards is the way from file to mask, not the best Dice."""
    rows, output_dir = results
    for name, row in rows.items():
        source = str(pydicom.dcmread(SAMPLES / name, stop_before_pixels=True).ImageComments).split(", ")[1]
        kind = source.split()[0]
        if kind != "normal":
            files = (Path(os.environ["RADVLSM_DATA"]) / "busi" / kind).glob(source.replace(".png", "_mask*.png"))
            truth = np.any([np.asarray(Image.open(file).convert("L")) > 0 for file in files], axis=0)
            mask = np.asarray(Image.open(output_dir / row["mask"])) > 0
            assert (mask & truth).sum() > 0.75 * truth.sum(), name
            assert 2 * (mask & truth).sum() > 0.7 * (mask.sum() + truth.sum()), name


def test_the_file_is_what_the_model_zoo_takes():
    assert (BUNDLE / "models" / "model.pt").stat().st_size < 25e6
