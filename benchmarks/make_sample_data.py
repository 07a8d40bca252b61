"""Make ``sample_data/`` anew from the public sets; the same files come out every time.

``python benchmarks/make_sample_data.py --busi DIR --busbra DIR [--output bundle/sample_data]``, where both
folders hold the ``datalist.json`` that the shipped weights were trained on. The DICOM images come from BUSI's
validation list and the training images from the training lists: training on the samples takes nothing from the
validation lists.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
sys.path.insert(0, str(BUNDLE))

from scripts.data.datalists import load_datalist  # noqa: E402
from scripts.data.masks import read_mask  # noqa: E402
from scripts.sites import load_site  # noqa: E402

CLASSES = load_site("breast_ultrasound", BUNDLE).classes

#: BUSI validation image, place under ``dicom/``, invented patient, samples per pixel.
DICOM_SAMPLES = (
    ("benign (39)", "SAMPLE-001/us.dcm", "Invented^Ada", 3),
    ("malignant (40)", "SAMPLE-002/us.dcm", "Invented^Berta", 1),
    ("normal (16)", "SAMPLE-003/us.dcm", "Invented^Clara", 1),
    ("benign (113)", "archive/SAMPLE-004/study/series/1.2.3.dcm", "Invented^Dora", 1),
    ("malignant (56)", "archive/SAMPLE-005/study/series/IM0001", "Invented^Elsa", 1),
    ("normal (92)", "archive/SAMPLE-006/study/series/1.2.4.dcm", "Invented^Fanny", 1),
)
DATE, TIME = "20260105", "120000"

#: How many images of the training lists go into each section of ``training/``, per set and diagnosis.
TRAINING_SAMPLES = {
    "training": {("busi", "benign"): 2, ("busi", "malignant"): 2, ("busi", "normal"): 3}
    | {("busbra", "benign"): 3, ("busbra", "malignant"): 2},
    "validation": {("busi", "benign"): 1, ("busi", "malignant"): 1, ("busi", "normal"): 2}
    | {("busbra", "benign"): 1, ("busbra", "malignant"): 1},
}
LONGEST_SIDE = 256
ORDINARY_AREA = (0.03, 0.2)  # the share of the image that a lesion covers


def ultrasound_dicom(pixels: np.ndarray, patient: tuple[str, str], source: str) -> FileDataset:
    """A single-frame ultrasound image of an invented patient.

    There is no pixel spacing, because the source tells none.

    Args:
        pixels: uint8, shape (rows, columns) or (rows, columns, 3).
        patient: invented Patient ID and Patient's Name.
        source: where the pixels come from; becomes the Image Comments, and with the ID the UIDs.

    Returns:
        A dataset of US Image Storage (PS3.3 A.6), Explicit VR Little Endian.
    """
    identity, name = patient
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[identity, source, "instance"])
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID = generate_uid(entropy_srcs=[identity, source, "study"])
    ds.SeriesInstanceUID = generate_uid(entropy_srcs=[identity, source, "series"])
    ds.PatientID, ds.PatientName = identity, name
    ds.PatientBirthDate, ds.PatientSex = "19700101", "F"
    ds.PatientComments = "Invented person"
    ds.PatientIdentityRemoved, ds.DeidentificationMethod = "YES", "Public image under an invented identity"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = TIME
    ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.StudyID = ds.SeriesNumber = ds.InstanceNumber = "1"
    ds.StudyDescription, ds.SeriesDescription = "Breast ultrasound", "Sample"
    ds.Modality, ds.Manufacturer, ds.BodyPartExamined = "US", "Unknown", "BREAST"
    ds.Laterality = ds.PatientOrientation = ""
    ds.ImageType = ["DERIVED", "PRIMARY", "BREAST", "0001"]  # C.8.5.6.1.1: 0001 is 2D imaging
    ds.ImageComments = source
    ds.BurnedInAnnotation = "NO"
    ds.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    ds.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
        ds.UltrasoundColorDataPresent = 0
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    data = pixels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB"
    return ds


def make_dicom_samples(busi: Path, output: Path) -> None:
    """Write ``DICOM_SAMPLES`` under ``output``."""
    listed = {Path(item["image"]).stem: item for item in load_datalist(busi, "validation", CLASSES)}
    for name, place, patient_name, samples in DICOM_SAMPLES:
        with Image.open(listed[name]["image"]) as picture:
            pixels = np.asarray(picture.convert("L" if samples == 1 else "RGB"))
        identity = next(part for part in place.split("/") if part.startswith("SAMPLE"))
        source = f"BUSI, {name}.png, Al-Dhabyani et al. 2020, CC BY 4.0"
        path = output / place
        path.parent.mkdir(parents=True, exist_ok=True)
        ultrasound_dicom(pixels, (identity, patient_name), source).save_as(path, enforce_file_format=True)


def ordinary_items(folder: Path, dataset: str, wanted: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
    """The first training items of a set whose lesion is of ordinary size, one per group; normals as they come.

    Args:
        folder: the set.
        dataset: its name.
        wanted: diagnosis -> how many items.

    Returns:
        diagnosis -> items.
    """
    found: dict[str, list[dict[str, Any]]] = {diagnosis: [] for diagnosis in wanted}
    seen: set[str] = set()
    for item in load_datalist(folder, "training", CLASSES):
        chosen = found.get(item["diagnosis"], [])
        if item["group"] in seen or len(chosen) == wanted.get(item["diagnosis"], 0):
            continue
        area = sum(float(read_mask(path).mean()) for path in item["label"])
        if item["diagnosis"] == "normal" or ORDINARY_AREA[0] <= area <= ORDINARY_AREA[1]:
            seen.add(item["group"])
            chosen.append({**item, "dataset": dataset})
    return found


def make_training_samples(folders: Mapping[str, Path], output: Path) -> None:
    """Write a ``datalist.json`` folder of small images drawn from the training lists.

    Args:
        folders: dataset name -> its folder.
        output: the folder to make.
    """
    kinds = {kind for counts in TRAINING_SAMPLES.values() for kind in counts}
    queues = {}
    for dataset, folder in folders.items():
        wanted = {
            diagnosis: sum(counts.get((name, diagnosis), 0) for counts in TRAINING_SAMPLES.values())
            for name, diagnosis in kinds
            if name == dataset
        }
        queues[dataset] = ordinary_items(folder, dataset, wanted)
    sections = {
        section: [
            _small_copy(queues[dataset][diagnosis].pop(0), output)
            for (dataset, diagnosis), count in counts.items()
            for _ in range(count)
        ]
        for section, counts in TRAINING_SAMPLES.items()
    }
    about = {
        "name": "Rad-VLSM sample list",
        "description": "Small copies of BUSI (CC BY 4.0) and BUS-BRA training images; see ../README.md.",
    }
    (output / "datalist.json").write_text(json.dumps(about | sections, indent=1) + "\n", encoding="utf-8")


def _small_copy(item: dict[str, Any], output: Path) -> dict[str, Any]:
    """Write an item's image and masks with a longest side of 256 pixels; returns the item as listed there."""
    stem = "_".join((item["dataset"], *Path(item["image"]).stem.replace("(", "").replace(")", "").split()))
    with Image.open(item["image"]) as picture:
        gray = picture.convert("L")
    scale = LONGEST_SIDE / max(gray.size)
    size = (round(gray.width * scale), round(gray.height * scale))
    image = f"images/{stem}.png"
    labels = [f"masks/{stem}_{number}.png" for number in range(len(item["label"]))]
    for folder in ("images", "masks"):
        (output / folder).mkdir(parents=True, exist_ok=True)
    gray.resize(size, Image.Resampling.BICUBIC).save(output / image, optimize=True)
    for label, path in zip(labels, item["label"], strict=True):
        mask = Image.fromarray(read_mask(path).astype(np.uint8) * 255)
        mask.resize(size, Image.Resampling.NEAREST).save(output / label, optimize=True)
    group = f"{item['dataset']}-{item['group'].split('/')[1]}"
    return {"image": image, "label": labels, "diagnosis": item["diagnosis"], "group": group}


def main() -> None:
    """Replace ``dicom/`` and ``training/`` of the output folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busi", type=Path, required=True, help="folder of BUSI")
    parser.add_argument("--busbra", type=Path, required=True, help="folder of BUS-BRA")
    parser.add_argument("--output", type=Path, default=BUNDLE / "sample_data", help="folder to write")
    arguments = parser.parse_args()
    for part in ("dicom", "training"):
        shutil.rmtree(arguments.output / part, ignore_errors=True)
    make_dicom_samples(arguments.busi, arguments.output / "dicom")
    make_training_samples({"busi": arguments.busi, "busbra": arguments.busbra}, arguments.output / "training")


if __name__ == "__main__":
    main()
