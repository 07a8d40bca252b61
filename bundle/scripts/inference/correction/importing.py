"""Corrected masks as a folder to train with."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scripts.command_line import must_be_given
from scripts.data.annotations import AnnotatedImage, read_annotations
from scripts.data.datalists import LIST_NAME
from scripts.data.dicom.header import read_dicom_header
from scripts.data.file_kinds import DICOM, PICTURE, file_kind
from scripts.data.image_size import image_size
from scripts.data.pictures import count_pictures
from scripts.errors import BundleError
from scripts.sites import LESION, Classes
from scripts.writing.drawing import mask_image, png_bytes
from scripts.writing.files import whole_folder, write_whole

from .frames import Frame, FrameFinder, frames_of_folder, frames_of_run, read_frame

Items = list[dict[str, Any]]


def import_masks(
    annotations: str | Path | None,
    dataset_dir: str | Path,
    output_dir: str | Path,
    classes: Classes,
    predictions: str | Path | None = None,
    diagnoses: str | Path | None = None,
    validation_share: float = 0.25,
    links: bool = False,
) -> dict[str, int]:
    """Write a training folder (``images/``, ``masks/``, ``datalist.json``) of what people have drawn.

    The diagnosis of an image is that of the table ``diagnoses``; else that of its labels, the positive class before
    others; else, if nothing is drawn, no lesion. Images that were not annotated are left out. A file of one frame is
    taken as it is; of others the annotated frame becomes a PNG, cropped to the only B-mode region where there is one.

    Args:
        annotations: COCO JSON, Label Studio's JSON, or a folder of mask files named like their images.
        dataset_dir: the images.
        output_dir: a new folder.
        classes: what a diagnosis may be.
        predictions: output folder of the run whose masks were corrected; None: images are known by their names alone.
        diagnoses: CSV with the columns ``image``, ``diagnosis`` and, if known, ``patient``.
        validation_share: of the groups of each diagnosis, for validation; at least 0 and less than 1.
        links: link to the images instead of copying them.

    Returns:
        Counts for people: images for training, for validation, and those without annotation.

    Raises:
        BundleError: an annotation is of no image, does not fit its image, or says no diagnosis; or the folder cannot
            be written. Nothing is written then.
    """
    if not annotations:
        must_be_given("annotations", "a JSON file of COCO or Label Studio, or a folder of masks")
    if not 0 <= validation_share < 1:
        raise BundleError(f"--validation_share is {validation_share}. Choose a share from 0 to below 1.")
    frames = frames_of_run(predictions, dataset_dir) if predictions else frames_of_folder(dataset_dir, annotations)
    finder = FrameFinder(frames)
    drawn: dict[str, list[AnnotatedImage]] = {}
    for image in read_annotations(annotations):
        drawn.setdefault(finder.find(image.name, image.where).name, []).append(image)
    table = _read_diagnoses(Path(diagnoses), finder, classes) if diagnoses else {}
    items: Items = []
    with whole_folder(output_dir) as folder:
        for frame in frames:
            if frame.name in drawn:
                items.append(_write_item(folder, frame, drawn[frame.name], table.get(frame.name, {}), classes, links))
        sections = _split(items, validation_share)
        write_whole(folder / LIST_NAME, (json.dumps(sections, indent=1, ensure_ascii=False) + "\n").encode())
    counts = {section: len(chosen) for section, chosen in sections.items()}
    return {**counts, "not annotated": len(frames) - len(items)}


def _write_item(
    folder: Path, frame: Frame, images: list[AnnotatedImage], known: dict[str, str], classes: Classes, links: bool
) -> dict[str, Any]:
    """Image, mask and list entry of one frame."""
    shape = image_size(frame.path)
    mask = np.logical_or.reduce([image.mask(shape) for image in images])
    header = read_dicom_header(str(frame.path), any_modality=True) if file_kind(str(frame.path)) == DICOM else None
    diagnosis = known.get("diagnosis") or _diagnosis(frame, images, mask, classes)
    if diagnosis != classes.absent and not mask.any():
        raise BundleError(f'Nothing is drawn on "{frame.name}", but its diagnosis is {diagnosis}. Correct one of them.')
    name, crop = _write_image(folder, frame, header, links)
    if crop is not None:
        top, left, bottom, right = crop
        mask = mask[top:bottom, left:right]
    write_whole(folder / "masks" / f"{frame.name}.png", png_bytes(mask_image(mask)))
    study = header.study_instance_uid if header else ""
    # A digest, because a header's values go to DICOM results only.
    group = f"study-{hashlib.sha256(study.encode()).hexdigest()[:12]}" if study else frame.input
    return {
        "image": name,
        "label": [f"masks/{frame.name}.png"],
        "diagnosis": diagnosis,
        "group": known.get("patient") or group,
    }


def _write_image(folder: Path, frame: Frame, header: Any, links: bool) -> tuple[str, list[int] | None]:
    """The image's path in the folder, and what was cut out of it, if not the whole file was taken."""
    path = str(frame.path)
    count = header.frames if header else count_pictures(path) if file_kind(path) == PICTURE else 1
    if count == 1:
        suffix = ".nii.gz" if path.lower().endswith(".nii.gz") else frame.path.suffix
        name = f"images/{frame.name}{suffix}"
        (folder / name).parent.mkdir(exist_ok=True)
        if links:
            os.symlink(os.path.abspath(path), folder / name)
        else:
            shutil.copyfile(path, folder / name)
        return name, None
    pixels, source = read_frame(frame, 0 if header and len(header.geometry.regions) == 1 else -1)
    name = f"images/{frame.name}.png"
    write_whole(folder / name, png_bytes(Image.fromarray(pixels)))
    return name, source["crop"]


def _diagnosis(frame: Frame, images: Iterable[AnnotatedImage], mask: np.ndarray, classes: Classes) -> str:
    """What the labels of a drawn frame say."""
    if not mask.any():
        return classes.absent
    if not classes.names:
        return LESION
    said = {drawing.label for image in images for drawing in image.drawings} & set(classes.names)
    if classes.positive in said:
        return classes.positive
    if len(said) != 1:
        found = "several diagnoses" if said else "no diagnosis"
        raise BundleError(
            f'The labels on "{frame.name}" say {found}. Label its lesion {" or ".join(classes.names)}, or name a table '
            "with the columns image and diagnosis with --diagnoses."
        )
    return said.pop()


def _read_diagnoses(path: Path, finder: FrameFinder, classes: Classes) -> dict[str, dict[str, str]]:
    """Rows of the table by the frame's name."""
    if not path.is_file():
        raise BundleError(f'"{path}" does not exist. Check --diagnoses.')
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or {"image", "diagnosis"} - rows[0].keys():
        raise BundleError(f'"{path.name}" is no table with the columns image and diagnosis. Check --diagnoses.')
    table = {}
    for number, row in enumerate(rows, start=2):
        where = f"{path.name}, line {number}"
        if row["diagnosis"] not in classes.listed:
            known = ", ".join(classes.listed)
            raise BundleError(f'{where}: "{row["image"]}" has the diagnosis "{row["diagnosis"]}". Use {known}.')
        table[finder.find(str(row["image"]), where).name] = row
    return table


def _split(items: Items, validation_share: float) -> dict[str, Items]:
    """Sections of whole groups: in each diagnosis, groups in the order of a hash of their names, the first validate."""
    groups: dict[str, list[str]] = {}
    seen: set[str] = set()
    for item in items:
        if item["group"] not in seen:
            groups.setdefault(item["diagnosis"], []).append(item["group"])
            seen.add(item["group"])
    validating: set[str] = set()
    for names in groups.values():
        ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())
        validating.update(ordered[: int(validation_share * len(ordered))])
    return {
        "training": [item for item in items if item["group"] not in validating],
        "validation": [item for item in items if item["group"] in validating],
    }
