"""The table of terms against pathology: its arithmetic by hand, and the known directions on real lesions."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from scripts.data import load_datalist, read_mask
from scripts.data.pictures import read_picture
from scripts.errors import BundleError
from scripts.semantics import Morphology, describe_lesion
from scripts.semantics.lexicons.breast_ultrasound import make_lexicon
from scripts.sites import load_site
from scripts.studies import write_lexicon_table
from scripts.studies.lexicon_table import DIRECTIONS, odds_interval, odds_ratio

LEXICON = make_lexicon()
CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[2] / "bundle").classes


def flags(text: str) -> np.ndarray:
    return np.array([letter == "1" for letter in text])


def test_odds_ratio_by_hand() -> None:
    """3 of 4 with the term are malignant, 1 of 4 without: (3.5 * 3.5) / (1.5 * 1.5)."""
    assert odds_ratio(flags("11110000"), flags("11100001")) == pytest.approx(3.5**2 / 1.5**2)


def test_interval_counts_patients_not_views() -> None:
    present, malignant = np.tile(flags("11110000"), 10), np.tile(flags("11100001"), 10)
    patients = np.arange(80)
    low, high = odds_interval(present, malignant, patients)
    assert 1 < low < odds_ratio(present, malignant) < high
    doubled = odds_interval(np.tile(present, 2), np.tile(malignant, 2), np.tile(patients, 2))
    assert high / low == pytest.approx(doubled[1] / doubled[0], rel=0.15)  # a second view adds no evidence


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, Path]:
    """Forty lesions: malignant ones irregular and shadowing, the others oval."""
    header = "ID,Case,Histology,Pathology,BIRADS".split(",")
    lines = []
    with (tmp_path / "bus_data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for case in range(40):
            malignant = case % 2 == 0
            pathology = "malignant" if malignant else "benign"
            writer.writerow([f"bus_{case}-l", case, pathology, pathology, 5 if malignant else 2])
            morphology = Morphology(
                LEXICON,
                dict(
                    lesions="one",
                    shape="irregular" if malignant else "oval",
                    orientation="parallel",
                    margin="circumscribed",
                    echo="hypoechoic",
                    posterior="shadowing" if malignant else "no features",
                ),
            )
            line = {"section": "validation", "image": f"x/bus_{case}-l.png", "description": ""}
            measurements = {"notches": 4.0 * malignant, "shadowed_share": None if case < 4 else 0.4 * (not malignant)}
            lines.append({**line, "morphology": dict(morphology), "measurements": measurements})
    path = tmp_path / "descriptions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path, tmp_path / "bus_data.csv"


def test_table_of_a_small_study(study: tuple[Path, Path], tmp_path: Path) -> None:
    text = write_lexicon_table(*study, tmp_path, LEXICON).read_text(encoding="utf-8")
    irregular = next(line for line in text.splitlines() if line.startswith("| shape: irregular"))
    assert irregular.split(" | ")[1:7] == ["20", "0 %", "", "", "100 %", "100 %"] and irregular.endswith("| up | yes |")
    assert "| notches | +1.00 | 1.00 |" in text and "| shadowed_share | -1.00 | 0.00 |" in text
    assert "| shape | 1.00 |  |  |  | 1.00 |" in text


def test_wrong_inputs_are_named(study: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="Give the folder of BUS-BRA"):
        write_lexicon_table(study[0], tmp_path / "none.csv", tmp_path, LEXICON)
    with pytest.raises(BundleError, match='No description of the section "test"'):
        write_lexicon_table(*study, tmp_path, LEXICON, section="test")


@pytest.mark.slow
def test_known_directions_on_busbra() -> None:
    """On lesions that no threshold was chosen on, every term moves with pathology as the literature says."""
    if not os.environ.get("RADVLSM_DATA"):
        pytest.skip("RADVLSM_DATA does not name the folder of BUSI and BUS-BRA")
    items = load_datalist(Path(os.environ["RADVLSM_DATA"]) / "busbra", "validation", CLASSES)
    described = [
        describe_lesion(read_picture(item["image"]) / 255, read_mask(item["label"][0]), LEXICON).morphology
        for item in items
    ]
    malignant = np.array([item["diagnosis"] == "malignant" for item in items])
    patients = np.array([item["group"] for item in items])
    for (name, value), known in DIRECTIONS.items():
        present = np.array([terms[name] == value for terms in described])
        low, high = odds_interval(present, malignant, patients)
        assert low > 1 if known == "up" else high < 1, (name, value, low, high)
