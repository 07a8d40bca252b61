"""The documents: their Python runs, their links and paths exist, and the README lists them all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from pydoc import locate

import pytest

from scripts.data.reasons import STATUS_OF_CODE
from scripts.findings.transforms import NON_FINITE
from scripts.inference.tables.predictions import table_columns

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = ROOT / "bundle"
GUIDES = sorted((BUNDLE / "docs").glob("*.md"))
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *GUIDES,
    BUNDLE / "docs" / "data_license.txt",
    BUNDLE / "sample_data" / "README.md",
]
#: Where a path in a document may begin; those of a run's results are the user's.
ROOTS = "bundle|benchmarks|tests|configs|scripts|models|monai_label|sample_data"
ROOTED = re.compile(rf"(?<![\w/.<>-])(?:{ROOTS})/[\w./-]*\w")
#: Made by a command that the document gives, and ignored by git.
MADE = {"models/model.ts", "models/model.onnx"}


def python_blocks(document: Path) -> dict[str, str]:
    """Every Python block of a document, by the heading above it."""
    blocks: dict[str, str] = {}
    for section in re.split(r"^#+ ", document.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        code = re.findall(r"^```python\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)
        if code:
            blocks[section.splitlines()[0]] = "\n".join(code)
    return blocks


def run_python(code: str, folder: Path) -> str:
    """Run code as a user would, in a folder that holds ``bundle``; what it printed."""
    (folder / "bundle").symlink_to(BUNDLE)
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, text=True, capture_output=True, timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def test_the_network_and_its_errors_from_python_are_as_printed(tmp_path: Path) -> None:
    blocks = python_blocks(BUNDLE / "docs" / "python_api.md")
    start = blocks["Python API"] + "from monai.bundle import create_workflow\n"
    printed = run_python(start + blocks["The network on a tensor"] + blocks["Errors"], tmp_path).splitlines()
    comments = re.findall(r"^    print\(known.*?\)  # (.+)$", blocks["Errors"], flags=re.MULTILINE)
    assert re.fullmatch(r"True 0\.0\d+ \d+ pixels", printed[0]) and printed[-2:] == comments


@pytest.mark.slow
def test_the_python_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    blocks = python_blocks(BUNDLE / "docs" / "python_api.md")
    printed = run_python("\n".join(blocks.values()), tmp_path)
    assert "{'ok': 6}" in printed and "2 epochs" in printed
    made = ["results/predictions.csv", "evaluation/evaluation.md", "evaluation/cases.csv", "training/model.pt"]
    assert [name for name in made if not (tmp_path / name).is_file()] == []


def test_the_list_of_the_fine_tuning_page_names_every_case_and_parts_patients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = BUNDLE / "sample_data" / "training"
    listed = json.loads((samples / "datalist.json").read_text())
    items = listed["training"] + listed["validation"]
    (tmp_path / "hospital").mkdir()
    for folder in ("images", "masks"):
        (tmp_path / "hospital" / folder).symlink_to(samples / folder)
    lines = [
        f"{Path(item['image']).name},{Path(item['label'][0]).name},{item['diagnosis']},{max(number, 1)}"
        for number, item in enumerate(items)
    ]
    (tmp_path / "hospital" / "cases.csv").write_text("\n".join(["image,mask,diagnosis,patient", *lines]))
    monkeypatch.chdir(tmp_path)
    exec(python_blocks(BUNDLE / "docs" / "fine_tuning.md")["2. The list"], {})
    lists = json.loads(Path("hospital/datalist.json").read_text())
    assert len(lists["training"]) + len(lists["validation"]) == len(items) == 18
    assert {item["diagnosis"] for item in lists["validation"]} == {"benign", "malignant", "normal"}
    groups = [{item["group"] for item in listed} for listed in lists.values()]
    assert not groups[0] & groups[1]
    for item in lists["training"] + lists["validation"]:
        assert all(Path("hospital", name).is_file() for name in (item["image"], *item["label"]))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link}
    # Old addresses stand in the changelog and the history, for those who look for what became of them.
    named = set(ROOTED.findall(text)) - MADE if document.name not in ("CHANGELOG.md", "history.md") else set()
    missing = [link for link in links if not (document.parent / link).exists()]
    missing += [path for path in named if not (ROOT / path).exists() and not (BUNDLE / path).exists()]
    if document.name != "CHANGELOG.md":
        missing += [name for name in set(re.findall(r"\bscripts(?:\.\w+)+", text)) if locate(name) is None]
    assert not missing, f"{document.name} names {sorted(missing)}, which does not exist"


def test_the_readme_lists_every_document() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Documents")[1].split("\n## ")[0]
    listed = {(ROOT / link).resolve() for link in re.findall(r"\]\(([^)]+)\)", table)}
    assert listed >= {path for path in DOCUMENTS if path != ROOT / "README.md"}


def test_every_code_of_a_reason_is_explained() -> None:
    page = (BUNDLE / "docs" / "predictions.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([A-Z_]+)`", page))
    assert explained >= STATUS_OF_CODE.keys() | {NON_FINITE}
    for name in table_columns("malignancy_probability"):
        assert f"`{name}`" in page
