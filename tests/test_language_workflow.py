"""`configs/language.json` from end to end: trained, resumed, asked, described."""

import csv
import shutil
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from scripts.data import read_mask
from scripts.errors import find_bundle_error
from scripts.networks.digests import learned_digest

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
SAMPLES = BUNDLE / "sample_data" / "training"

pytest.importorskip("transformers", reason="needs requirements-language.txt")


def run(what, **options):
    files = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "language")]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    # 64 pixels and a few images: this is about the way, not about the answers.
    parser.update({"bundle_root": str(BUNDLE), "image_size": 64, "device": "$torch.device('cpu')", **options})
    parser.get_parsed_content(what)
    return parser


def train(folder, **options):
    items = "$with_copies(load_datalist(@dataset_dir, 'training', @classes)[:4], @classes.absent, 0, 1, @seed)"
    return run(
        "language",
        dataset_dir=str(SAMPLES),
        output_dir=str(folder),
        train_batch_size=4,
        warmup_steps=1,
        longest_answer=8,
        **{"train::items": items, "validate::items": [], **options},
    )


@pytest.mark.slow
def test_a_loop_is_trained_resumed_and_asked(tmp_path):
    train(tmp_path / "loop", epochs=1)
    resumed = train(tmp_path / "loop", epochs=2, resume=True)
    assert resumed.get_parsed_content("train::trainer").state.epoch == 2
    file = tmp_path / "loop" / "closed_loop.pt"
    assert file.stat().st_size < 15e6
    assert not any(name.startswith("base.") for name in torch.load(file))

    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(SAMPLES / "images" / "busi_benign_13.png", images)
    (images / "broken.png").write_bytes(b"no picture")
    asked = {"dataset_dir": str(images), "closed_loop": str(file), "longest_answer": 8, "question": "Outline the mass."}
    run("answer", output_dir=str(tmp_path / "answers"), **asked)
    with (tmp_path / "answers" / "answers.csv").open() as table:
        rows = {row["input"]: row for row in csv.DictReader(table)}
    assert rows["broken.png"]["status"] != "ok" and rows["busi_benign_13.png"]["status"] == "ok"
    assert (tmp_path / "answers" / rows["busi_benign_13.png"]["picture"]).exists()

    long = {**asked, "question": "mass " * 300}
    gone = {**asked, "closed_loop": str(tmp_path / "gone.pt")}
    for options, sentence in ((long, "reads 128; shorten it"), (gone, "does not exist; train one")):
        with pytest.raises(Exception, match="instantiate|evaluate") as refused:
            run("answer", output_dir=str(tmp_path / "none"), **options)
        assert sentence in str(find_bundle_error(refused.value))


def test_the_shipped_loop_stands_on_the_shipped_weights():
    """Other default weights need another loop: train it anew, or take it out."""
    file = BUNDLE / "models" / "closed_loop.pt"
    state = torch.load(file)
    assert bytes(state["base_digest"].tolist()).hex() == learned_digest(BUNDLE / "models" / "model.pt")
    assert file.stat().st_size < 12e6 and not any(name.startswith("base.") for name in state)


@pytest.mark.slow
def test_the_shipped_loop_answers_as_it_comes(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name in ("busi_malignant_4", "busi_normal_2"):
        shutil.copy(SAMPLES / "images" / f"{name}.png", images)
    run("answer", dataset_dir=str(images), output_dir=str(tmp_path / "out"), image_size=160)
    with (tmp_path / "out" / "answers.csv").open() as table:
        rows = {row["input"]: row for row in csv.DictReader(table)}
    assert rows["busi_normal_2.png"]["answer"] == "There is no lesion." and rows["busi_normal_2.png"]["lesions"] == "0"
    row = rows["busi_malignant_4.png"]
    drawn, truth = (
        read_mask(path) > 0
        for path in (tmp_path / "out" / row["mask"], SAMPLES / "masks" / "busi_malignant_4_0.png")
    )
    assert "[1]" in row["answer"] and 2 * (drawn & truth).sum() / (drawn.sum() + truth.sum()) > 0.5
