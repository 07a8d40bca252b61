"""evidence.json is whole after every entry, and each entry says all that was believed."""

from __future__ import annotations

import json
from types import SimpleNamespace

from scripts.findings import Candidate, Descriptor, Evidence
from scripts.inference.tables.evidence import EvidenceFile
from scripts.inference.tables.predictions import row_key


def row(name: str, region: int = -1) -> dict:
    return {"input": name, "frame": 0, "region": region}


EVIDENCE = Evidence(
    0.9, False, 2.0, [0.1, 0.2], [0.3, 0.4], 1.0,
    [Candidate([1.0, 2.0, 3.0, 4.0], 0.5, 0.6, 0.7, 1.0)], [Descriptor("one", 1.5, -0.25)],
)  # fmt: skip
FOUND = SimpleNamespace(evidence=EVIDENCE, lesions=[SimpleNamespace(sentence="A round spot.", words={"form": "round"})])


def test_the_file_is_valid_after_each_entry_and_goes_on_after_a_kill(tmp_path) -> None:
    path = tmp_path / "evidence.json"
    file = EvidenceFile(path)
    file.start()
    assert json.loads(path.read_text()) == []
    for number, (name, region) in enumerate((("a.png", -1), ("b.dcm", 0), ('c"d\n.png', -1)), start=1):
        file.append(row(name, region), FOUND)
        assert len(json.loads(path.read_text())) == number
    keys = [(entry["input"], entry["region"]) for entry in json.loads(path.read_text())]
    assert keys == [("a.png", None), ("b.dcm", 0), ('c"d\n.png', None)]

    entry = json.loads(path.read_text())[1]
    assert list(entry) == (
        "input frame region response_peak fallback lesion_logit logits_visual logits_radiomics effective_candidates "
        "candidates descriptors lesions"
    ).split()
    assert entry["lesions"] == [{"description": "A round spot.", "form": "round"}]
    assert entry["candidates"] == [
        {"box": [1.0, 2.0, 3.0, 4.0], "response": 0.5, "semantic": 0.6, "consistency": 0.7, "weight": 1.0}
    ]
    assert entry["descriptors"] == [{"name": "one", "value": 1.5, "moves_logit_by": -0.25}]

    whole = path.read_bytes()
    path.write_bytes(whole[:-30])  # killed in the middle of the last entry
    EvidenceFile(path).start({row_key(row("b.dcm", 0)), row_key(row('c"d\n.png'))})
    file.append(row("e.png"), FOUND)
    assert [entry["input"] for entry in json.loads(path.read_text())] == ["b.dcm", "e.png"]
    file.put_in_order({row_key(row("e.png")): 0, row_key(row("b.dcm", 0)): 1})
    assert [entry["input"] for entry in json.loads(path.read_text())] == ["e.png", "b.dcm"]
