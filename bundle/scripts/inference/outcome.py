"""How a run has ended, in numbers: the same lines at its end and whenever its results are shown again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.errors import EXIT_UNUSABLE, BundleError
from scripts.findings.finding import INDETERMINATE, NOT_CALIBRATED
from scripts.writing.notice import NOTE

_FOLDERS = ("overlays", "masks", "evidence", "strips", "dicom_seg", "dicom_sr")


def totals(output_dir: Path, rows: Iterable[Mapping[str, str]], summary: Mapping[str, Any]) -> list[str]:
    """Lines that say how many there are, what they are worth, and where the files are; no name of a file.

    Args:
        output_dir: of the run.
        rows: of its predictions.csv, read one by one.
        summary: its summary.json.
    """
    by_status: Counter[str] = Counter()
    diagnoses: Counter[str] = Counter()
    inputs, doubtful, before = 0, 0, None
    for row in rows:
        by_status[row["status"]] += 1
        if row["status"] == "ok":
            inputs += row["input"] != before  # images of a file follow each other
            before = row["input"]
            doubtful += row["indeterminate"] == "true"
            if row["lesion_found"] == "true":
                diagnoses[row["diagnosis"]] += 1
    each = ", ".join(f"{count} {name}" for name, count in diagnoses.most_common() if name)
    doubt = f", {doubtful} {INDETERMINATE}" if doubtful else ""
    lines = [
        f"{by_status['ok']} images of {inputs} files analysed, {by_status['skipped']} skipped, "
        f"{by_status['failed']} failed.",
        f"{diagnoses.total()} with a lesion{f' ({each})' if each else ''}{doubt}, "
        f"{by_status['ok'] - diagnoses.total()} without.",
    ]
    if not summary["calibrated"]:
        lines.append(f"These weights are {NOT_CALIBRATED}: probabilities are raw, nothing is marked {INDETERMINATE}.")
    if not summary["finished"]:
        lines.append("The run has not finished; run the same command again, and it goes on from there.")
    folders = [f"{name}: {output_dir}/{name}" for name in _FOLDERS if (output_dir / name).is_dir()]
    lines.append("; ".join([f"Results: {output_dir}/predictions.csv", *folders]))
    if (output_dir / "report.html").is_file():
        lines.append(f"To look at them, open {output_dir}/report.html in a browser.")
    return [*lines, f"{NOTE}."]


def outcome(output_dir: Path, counts: Mapping[str, int]) -> str:
    """The last line of a run.

    Args:
        output_dir: of the run.
        counts: rows by status.

    Raises:
        BundleError: with exit code 1 and that line, if something failed or nothing was usable.
    """
    analysed, skipped, failed = (counts.get(name, 0) for name in ("ok", "skipped", "failed"))
    sentence = f"{analysed} analysed, {skipped} skipped, {failed} failed: see predictions.csv in {output_dir}"
    if failed or not analysed:
        reason = "Not everything could be analysed" if analysed else "Nothing could be analysed"
        raise BundleError(f"{reason}: {sentence}", EXIT_UNUSABLE)
    return sentence
