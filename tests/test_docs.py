"""The documents: their Python runs, their links and paths exist, and the README lists them all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
ROOTED = re.compile(r"(?<![\w/.<>-])(?:bundle|benchmarks|tests|configs|scripts|models|monai_label|sample_data)/[\w./-]*\w")
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


def test_the_python_page_works_as_printed(tmp_path: Path) -> None:
    blocks = python_blocks(BUNDLE / "docs" / "python_api.md")
    assert list(blocks) == [
        "Python API", "Inference", "Read the results", "Evaluation", "Training", "The network on a tensor", "Errors"
    ]  # fmt: skip
    printed = run_python("\n".join(code for title, code in blocks.items() if title != "Training"), tmp_path)
    assert "{'ok': 6}" in printed
    comments = re.findall(r"^    print\(known.*?\)  # (.+)$", blocks["Errors"], flags=re.MULTILINE)
    assert printed.splitlines()[-2:] == comments


@pytest.mark.slow
def test_training_from_python_works_as_printed(tmp_path: Path) -> None:
    blocks = python_blocks(BUNDLE / "docs" / "python_api.md")
    assert "2 epochs" in run_python(blocks["Python API"] + blocks["Evaluation"] + blocks["Training"], tmp_path)
    assert (tmp_path / "training" / "model.pt").is_file()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link}
    # Old addresses stand in the changelog, for those who look for what became of them.
    named = set(ROOTED.findall(text)) - MADE if document.name != "CHANGELOG.md" else set()
    missing = [link for link in links if not (document.parent / link).exists()]
    missing += [path for path in named if not (ROOT / path).exists() and not (BUNDLE / path).exists()]
    assert not missing, f"{document.name} names {sorted(missing)}, which does not exist"


def test_the_readme_lists_every_document() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Documents")[1].split("\n## ")[0]
    listed = {(ROOT / link).resolve() for link in re.findall(r"\]\(([^)]+)\)", table)}
    assert listed >= {path for path in DOCUMENTS if path != ROOT / "README.md"}
