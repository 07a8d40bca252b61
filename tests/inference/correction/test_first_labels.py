"""Predicted masks lie where MONAI Label finds them as labels."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from scripts.data import read_mask
from scripts.errors import BundleError
from scripts.inference.correction.first_labels import put_first_labels
from scripts.serving.geometry import file_affine

SAMPLES = Path(__file__).resolve().parents[3] / "bundle" / "sample_data"


def test_each_image_gets_its_mask_as_a_label_that_lies_on_it(tmp_path: Path) -> None:
    studies, results = tmp_path / "studies", tmp_path / "results"
    (results / "masks").mkdir(parents=True)
    studies.mkdir()
    shutil.copy(SAMPLES / "dicom" / "SAMPLE-001" / "us.dcm", studies / "1.2.3.dcm")
    shutil.copy(SAMPLES / "training" / "images" / "busi_benign_13.png", studies / "b.png")
    (results / "summary.json").write_text(json.dumps({"finished": True}))
    sizes = {"1.2.3.dcm": (433, 578), "b.png": Image.open(studies / "b.png").size[::-1]}
    with open(results / "predictions.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow("input,frame,region,status,diagnosis,mask".split(","))
        for name, size in sizes.items():
            mask = np.zeros(size, np.uint8)
            mask[50:90, 20:100] = 255
            Image.fromarray(mask).save(results / "masks" / f"{Path(name).stem}.png")
            table.writerow([name, 0, "", "ok", "benign", f"masks/{Path(name).stem}.png"])

    assert put_first_labels(results, studies) == 2
    labels = studies / "labels" / "predicted"
    assert sorted(path.name for path in labels.iterdir()) == ["1.2.3.nii.gz", "b.png"]
    volume = nibabel.load(labels / "1.2.3.nii.gz")
    assert volume.shape == (578, 433, 1) and np.allclose(volume.affine, file_affine(str(studies / "1.2.3.dcm")))
    assert set(np.unique(volume.dataobj)) == {0, 1}
    for name, label in {"1.2.3": "1.2.3.nii.gz", "b": "b.png"}.items():
        assert np.array_equal(read_mask(labels / label), read_mask(results / "masks" / f"{name}.png"))

    with pytest.raises(BundleError, match='"1.2.3.dcm", which does not exist under'):
        put_first_labels(results, tmp_path)
