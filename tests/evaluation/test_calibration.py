"""What is fitted is what generated the cases; limits hold what they promise; the network then says so."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from scipy.special import expit, logit, softmax

from scripts.errors import BundleError
from scripts.evaluation.calibration import calibrate
from scripts.evaluation.calibration_fit import (
    fit_abstention,
    fit_evidence_threshold,
    fit_line,
    fit_softmax_temperature,
    fit_temperature,
)
from scripts.evaluation.cases import CaseTable, number_columns
from scripts.networks import load_default, load_site_weights, load_weights, save_adapter, save_weights
from scripts.sites import load_site

CLASSES = load_site("breast_ultrasound", Path(__file__).resolve().parents[2] / "bundle").classes

N = 4000
CONFIG = Path(__file__).resolve().parents[2] / "bundle" / "configs" / "train.json"


@pytest.fixture()
def make_network():
    """Builds the default network, random."""

    def make():
        parser = ConfigParser()
        parser.read_config(CONFIG)
        parser["bundle_root"] = str(CONFIG.parents[1])
        return parser.get_parsed_content("network").eval()

    return make


@pytest.fixture()
def numbers():
    return np.random.default_rng(0)


def test_the_temperature_of_overconfident_logits_is_found(numbers):
    true = numbers.normal(0, 1.5, N)
    outcome = numbers.random(N) < expit(true)
    assert fit_temperature(3.0 * true, outcome) == pytest.approx(3.0, rel=0.1)


def test_the_temperature_of_several_classes_is_found_and_of_two_it_is_the_same(numbers):
    true = numbers.normal(0, 1.5, (N, 3))
    outcome = np.array([numbers.choice(3, p=softmax(row)) for row in true])
    assert fit_softmax_temperature(3.0 * true, outcome) == pytest.approx(3.0, rel=0.1)
    logits, positive = numbers.normal(0, 3, N), numbers.random(N) < 0.5
    both = np.stack([np.zeros(N), logits], axis=1)
    assert fit_softmax_temperature(both, positive.astype(int)) == pytest.approx(fit_temperature(logits, positive))


def test_the_line_between_logit_and_target_is_found(numbers):
    raw = numbers.normal(0, 1, N)
    slope, offset = fit_line(raw, expit(0.5 * raw + 1.0))
    assert (slope, offset) == (pytest.approx(0.5, abs=0.01), pytest.approx(1.0, abs=0.01))


def test_the_evidence_threshold_keeps_both_promises_where_both_can_be_kept(numbers):
    lesion = np.arange(N) % 4 > 0
    evidence = numbers.normal(0, 1, N) + 4.0 * lesion
    fit = fit_evidence_threshold(evidence, lesion)
    assert fit["lesions_kept"] >= 0.95 and fit["normals_with_mask"] <= 0.20 and fit["separates"]
    assert 1.0 < fit["threshold"] < 2.4, "between the two limits, not at either"


def test_where_they_cannot_there_is_no_threshold(numbers, make_network, tmp_path):
    lesion = np.arange(N) % 4 > 0
    fit = fit_evidence_threshold(numbers.normal(0, 1, N) + 0.5 * lesion, lesion)
    assert fit["lesions_kept"] == pytest.approx(0.95, abs=0.002) and fit["normals_with_mask"] > 0.20
    assert not fit["separates"]

    network = make_network()
    network.forget_calibration(evidence_threshold=1.25)
    torch.save(network.state_dict(), tmp_path / "trained.pt")
    table = cases(numbers)
    table.columns["lesion_evidence"] = numbers.normal(0, 1, len(table))
    table.write(tmp_path / "cases.csv")
    calibrate(network, tmp_path / "trained.pt", str(tmp_path / "cases.csv"), tmp_path, CLASSES)
    assert network.evidence_threshold == 1.25 and network.evidence_temperature == 1
    assert network.diagnosis_temperature != 1
    network.forget_calibration(evidence_threshold=0.5, only_fitted=True)
    assert network.evidence_threshold == 1.25 and network.diagnosis_temperature == 1


def test_abstention_leaves_out_what_is_wrong_and_no_more_than_allowed(numbers):
    probability, reliability = numbers.random(N), numbers.random(N)
    malignant = numbers.random(N) < probability
    unreliable = reliability < 0.1
    malignant[unreliable] = numbers.random(unreliable.sum()) < 0.5
    fit = fit_abstention(probability, reliability, (probability >= 0.5) == malignant)
    assert fit["coverage"] >= 0.85 and fit["accuracy"] > fit["accuracy_of_all"] + 0.02
    low, high = fit["band"]
    kept = (reliability >= fit["reliability_threshold"]) & ~((probability > low) & (probability < high))
    assert kept.mean() == pytest.approx(fit["coverage"], abs=1e-9)


def cases(numbers, kinds=("benign", "malignant", "normal")):
    rows = []
    for i in range(300):
        kind = kinds[i % len(kinds)]
        evidence = numbers.normal(3.0 if kind != "normal" else -3.0, 1.0)
        risk = expit(numbers.normal(2.0 if kind == "malignant" else -2.0, 2.0))
        row = dict.fromkeys(number_columns(CLASSES), 0.0)
        row |= {"lesion_evidence": evidence, "malignancy_probability": risk}
        row |= {"reliability": numbers.uniform(0.3, 0.9), "iou_gate_off": numbers.uniform(0.5, 0.9), "true_area": 0.1}
        rows.append(row | {"dataset": "one", "image": f"{i}.png", "group": f"{i}", "diagnosis": kind})
    return CaseTable.from_rows(rows, CLASSES)


def test_the_written_weights_know_what_was_fitted(tmp_path, numbers, make_network):
    network = make_network()
    save_weights(network, tmp_path / "trained.pt")  # what is written is rounded: here it was before, too
    load_weights(network, tmp_path / "trained.pt")
    image = torch.rand(1, 3, 64, 64)
    before = {name: value.clone() for name, value in network.forward_named(image).items()}
    cases(numbers).write(tmp_path / "cases.csv")
    fitted = calibrate(make_network(), tmp_path / "trained.pt", str(tmp_path / "cases.csv"), tmp_path / "out", CLASSES)
    assert json.loads((tmp_path / "out" / "calibration.json").read_text()) == fitted

    written = make_network()
    written.load_state_dict(torch.load(tmp_path / "out" / "model.pt"))
    with torch.no_grad():
        after = written.forward_named(image)
    torch.testing.assert_close(
        after["diagnosis_logits"] * fitted["diagnosis_temperature"], before["diagnosis_logits"], atol=1e-4, rtol=1e-4
    )
    expected = fitted["reliability_slope"] * logit(before["reliability"].item()) + fitted["reliability_offset"]
    assert logit(after["reliability"].item()) == pytest.approx(expected, abs=1e-3)
    assert written.evidence_threshold.item() == pytest.approx(fitted["evidence"]["threshold"], abs=1e-5)
    assert written.indeterminate_band.tolist() == pytest.approx(fitted["abstention"]["band"], abs=1e-6)


def test_weights_are_calibrated_once_and_not_from_nothing(tmp_path, numbers, make_network):
    network, table = make_network(), tmp_path / "cases.csv"
    cases(numbers).write(table)
    torch.save(network.state_dict(), tmp_path / "trained.pt")
    with pytest.raises(BundleError, match="--weights"):
        calibrate(network, None, str(table), tmp_path, CLASSES)
    with pytest.raises(BundleError, match="without cases"):
        calibrate(network, tmp_path / "trained.pt", [], tmp_path, CLASSES)
    calibrate(network, tmp_path / "trained.pt", str(table), tmp_path, CLASSES)
    with pytest.raises(BundleError, match="calibrated already"):
        calibrate(make_network(), tmp_path / "model.pt", str(table), tmp_path, CLASSES)
    # Training begins with calibrated weights; what it makes of them can be calibrated.
    load_weights(network, tmp_path / "model.pt").forget_calibration(evidence_threshold=0.5, only_fitted=True)
    assert network.evidence_threshold == 0.5, "that of these weights was fitted"
    torch.save(network.state_dict(), tmp_path / "tuned.pt")
    assert calibrate(network, tmp_path / "tuned.pt", str(table), tmp_path, CLASSES)


def test_an_adapter_keeps_what_was_fitted_to_it_and_the_default_stays(tmp_path, numbers, make_network):
    default, adapter = tmp_path / "default.pt", tmp_path / "one.pt"
    save_weights(make_network(), default)
    before = default.read_bytes()
    save_adapter(load_default(make_network(), default), default, "here", adapter)

    def know(network):
        network.domain.center.fill_(0.5)
        network.domain.whitening.fill_(0.25)
        return {"images": 3}

    domain_alone = calibrate(make_network(), default, [], tmp_path / "a", CLASSES, know, adapter, "here")
    assert domain_alone == {"domain": {"images": 3}}
    cases(numbers).write(tmp_path / "cases.csv")
    table = str(tmp_path / "cases.csv")
    fitted = calibrate(make_network(), default, table, tmp_path / "b", CLASSES, None, tmp_path / "a" / "adapter.pt")
    loaded = load_site_weights(make_network(), default, tmp_path / "b" / "adapter.pt", "here")
    assert loaded.domain.is_fitted() and loaded.domain.center[0] == 0.5
    assert loaded.evidence_threshold.item() == pytest.approx(fitted["evidence"]["threshold"], abs=1e-5)
    assert default.read_bytes() == before and not (tmp_path / "b" / "model.pt").exists()


def test_cases_of_one_kind_calibrate_nothing(tmp_path, numbers, make_network):
    cases(numbers, kinds=("benign", "malignant")).write(tmp_path / "cases.csv")
    with pytest.raises(BundleError, match="without normal cases"):
        torch.save(make_network().state_dict(), tmp_path / "trained.pt")
        calibrate(make_network(), tmp_path / "trained.pt", [str(tmp_path / "cases.csv")], tmp_path, CLASSES)
