"""ISIC's challenges of 2016 to 2018 as they are published, as sections of labelled items."""

from __future__ import annotations

import csv
from pathlib import Path

from scripts.errors import BundleError

from .busi import Sections
from .splitting import split_groups

#: Folders of images and masks by section, for each year of the challenge.
ISIC_FOLDERS: tuple[dict[str, tuple[str, str]], ...] = (
    {
        "training": ("ISBI2016_ISIC_Part1_Training_Data", "ISBI2016_ISIC_Part1_Training_GroundTruth"),
        "test": ("ISBI2016_ISIC_Part1_Test_Data", "ISBI2016_ISIC_Part1_Test_GroundTruth"),
    },
    {
        "training": ("ISIC-2017_Training_Data", "ISIC-2017_Training_Part1_GroundTruth"),
        "validation": ("ISIC-2017_Validation_Data", "ISIC-2017_Validation_Part1_GroundTruth"),
        "test": ("ISIC-2017_Test_v2_Data", "ISIC-2017_Test_v2_Part1_GroundTruth"),
    },
    {
        "training": ("ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth"),
        "validation": ("ISIC2018_Task1-2_Validation_Input", "ISIC2018_Task1_Validation_GroundTruth"),
        "test": ("ISIC2018_Task1-2_Test_Input", "ISIC2018_Task1_Test_GroundTruth"),
    },
)
#: Tables of the diagnosis, of 2016 ("ISIC_0000000,benign") and of 2017 ("image_id,melanoma,seborrheic_keratosis").
ISIC_TABLES = ("*Part3*Training*GroundTruth*.csv", "*Part3*Validation*GroundTruth*.csv", "*Part3*Test*GroundTruth*.csv")


def is_isic(folder: Path) -> bool:
    """Whether a folder holds the training images of a challenge, under the folder names of the challenge."""
    return any((folder / year["training"][0]).is_dir() for year in ISIC_FOLDERS)


def isic_sections(folder: Path) -> Sections:
    """ISIC 2016, 2017 or 2018, task 1: ``<id>.jpg`` and ``<id>_[Ss]egmentation.png`` in folders by section.

    The diagnosis comes from the tables of part 3 of 2016 and 2017, where they lie beside the folders; the sets of 2018
    have none for these images. Where the challenge has no validation images, a quarter of the training ones validates.

    Args:
        folder: the folder that holds those of the challenge.

    Returns:
        Sections ``training``, ``validation`` and, where it is there, ``test``; each image is a group of its own.

    Raises:
        BundleError: an image has no mask.
    """
    year = next(names for names in ISIC_FOLDERS if (folder / names["training"][0]).is_dir())
    malignant = _diagnoses(folder)
    sections: Sections = {}
    for section, (images, masks) in year.items():
        found = sorted((folder / images).glob("ISIC_*.jpg")) if (folder / images).is_dir() else []
        items = []
        for path in found:
            mask = next((folder / masks).glob(f"{path.stem}_[Ss]egmentation.png"), None)
            if mask is None:
                raise BundleError(f'{folder.name}/{masks} has no mask of "{path.name}". Download the set again.')
            diagnosis = malignant.get(path.stem)
            items.append(
                {
                    "image": f"{images}/{path.name}",
                    "label": [f"{masks}/{mask.name}"],
                    "group": path.stem,
                    **({} if diagnosis is None else {"diagnosis": "malignant" if diagnosis else "benign"}),
                }
            )
        if items:
            sections[section] = items
    return sections if "validation" in sections else {**sections, **split_groups(sections.get("training", []))}


def _diagnoses(folder: Path) -> dict[str, bool]:
    """Whether each lesion is a melanoma, by the image's name."""
    known: dict[str, bool] = {}
    for pattern in ISIC_TABLES:
        for table in sorted(folder.glob(pattern)):
            with table.open(newline="", encoding="utf-8-sig") as file:
                for name, value, *_ in csv.reader(file):
                    if name.startswith("ISIC_"):
                        known[name] = value.strip().lower() in ("malignant", "1", "1.0")
    return known
