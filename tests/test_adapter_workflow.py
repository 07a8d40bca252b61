"""An adapter through the commands: trained on a folder of one's own, evaluated, and used by inference."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, run
from PIL import Image
from skimage.data import astronaut
from skimage.transform import resize

from scripts.networks import weights_digest
from scripts.networks.adapters import read_adapter
from scripts.networks.digests import learned_digest

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SMALL = {"batch_size": 2, "num_workers": 0, "device": "$torch.device('cpu')", "bundle_root": str(BUNDLE)}


SHIPPED = sorted((BUNDLE / "models" / "adapters").glob("*.pt"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_shipped_adapter_stands_on_the_shipped_weights(path: Path) -> None:
    """Other default weights need other adapters: train them anew, or take them out."""
    content = read_adapter(path)
    assert content["default"] == learned_digest(BUNDLE / "models" / "model.pt")
    assert content["site"] == path.stem and path.stat().st_size < 3e6
    assert content["tensors"]["domain.whitening"].any(), "run calibration fits what it knows"


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_shipped_adapter_tells_a_photograph_from_its_kind_of_image(path: Path) -> None:
    parser = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "inference.json"))
    parser.update({**SMALL, "site": path.stem})
    photograph = torch.from_numpy(resize(astronaut(), (160, 160), anti_aliasing=True)).permute(2, 0, 1).float()
    photograph = photograph.mean(dim=0).expand(3, -1, -1) if parser.get_parsed_content("gray") else photograph
    with torch.no_grad():
        outputs = parser.get_parsed_content("network").eval().forward_named(photograph.unsqueeze(0))
    assert outputs["domain_distance"] > 1


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Six reddish frames with a pale round polyp, and a gray one."""
    folder = tmp_path / "frames"
    folder.mkdir()
    rows, columns = np.indices((90, 110))
    items = []
    for number in range(6):
        mask = (rows - 45) ** 2 + (columns - 40 - 5 * number) ** 2 < (14 + number) ** 2
        picture = np.random.default_rng(number).integers(0, 25, (90, 110, 3)) + (150, 70, 50)
        picture[mask] += (60, 60, 60)
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"{number}.png")
        Image.fromarray((mask * 255).astype(np.uint8)).save(folder / f"{number}_mask.png")
        items.append({"image": f"{number}.png", "label": f"{number}_mask.png"})
    Image.fromarray(rows.astype(np.uint8)).save(folder / "gray.png")
    (folder / "datalist.json").write_text(json.dumps({"training": items[:4], "validation": items[4:]}))
    return folder


@pytest.mark.slow
def test_an_adapter_is_trained_evaluated_and_used(
    frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the runs install their own
    default = weights_digest(BUNDLE / "models" / "model.pt")
    common = {**SMALL, "site": "polyp_colonoscopy", "dataset_dir": str(frames)}

    def start(verb: str, names: list[str], folder: str, **options: object) -> Path:
        files = [str(BUNDLE / "configs" / f"{name}.json") for name in names]
        run(verb, config_file=files, output_dir=str(tmp_path / folder), **common, **options)
        return tmp_path / folder

    trained = start("training", ["train", "adapter"], "trained", drawn_images=4, image_size=64)
    adapter = trained / "adapter.pt"
    assert adapter.stat().st_size < 3e6
    content = read_adapter(adapter)
    learned = learned_digest(BUNDLE / "models" / "model.pt")
    assert (content["site"], content["default"]) == ("polyp_colonoscopy", learned)

    evaluated = start("evaluation", ["train", "evaluate"], "evaluated", adapter=str(adapter), image_size=64)
    assert "adapter: " in (evaluated / "evaluation.md").read_text()
    assert "Dice" in (evaluated / "evaluation.md").read_text()

    inferred = start("inference", ["inference"], "inferred", adapter=str(adapter), image_size=64)
    with (inferred / "predictions.csv").open(newline="") as file:
        rows = {row["input"]: row for row in csv.DictReader(file)}
    assert rows["gray.png"]["reason"].startswith("GRAY_IMAGE") and rows["gray.png"]["status"] == "skipped"
    assert sum(row["status"] == "ok" for row in rows.values()) == 6
    assert len(json.loads((inferred / "summary.json").read_text())["settings"]["adapter"]) == 64
    assert weights_digest(BUNDLE / "models" / "model.pt") == default


def test_the_adapter_beside_the_weights_is_taken_by_its_site_alone(tmp_path: Path) -> None:
    """The breast does not see it."""
    (tmp_path / "models").mkdir()
    shutil.copy(BUNDLE / "models" / "model.pt", tmp_path / "models" / "model.pt")
    (tmp_path / "models" / "adapters").mkdir()
    beside = tmp_path / "models" / "adapters" / "polyp_colonoscopy.pt"
    beside.touch()
    for site, found in (("polyp_colonoscopy", beside), ("breast_ultrasound", None)):
        parser = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "inference.json"))
        parser.update({"bundle_root": str(BUNDLE), "weights": str(tmp_path / "models" / "model.pt"), "site": site})
        assert parser.get_parsed_content("adapter") == found
