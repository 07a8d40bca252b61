"""What goes between data lists, engines and metrics."""

from scripts.training import EncodeDiagnosisd


def test_diagnoses_become_numbers_and_unknown_ones_teach_nothing():
    encode = EncodeDiagnosisd(("benign", "malignant"))
    found = [encode({"diagnosis": word})["diagnosis"] for word in ("benign", "malignant", "normal")]
    assert found == [0, 1, -1] and encode({})["diagnosis"] == -1
