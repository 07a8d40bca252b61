"""The run over an archive from Python, its workers in this process or those of Ray."""

from __future__ import annotations

import csv
import io
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from monai.bundle import ConfigWorkflow

from scripts.errors import BundleError, find_bundle_error

BUNDLE = Path(__file__).parents[3] / "bundle"
TABLES = ("predictions.csv", "lesions.csv", "studies.csv")


class Here:
    """Takes the place of a cluster: each worker is a pickled copy in this process, and shards come out of order."""

    threads, gpus = 1, 0.0

    def __init__(self, workers: int = 2, most: int = 10**9) -> None:
        self.workers, self.most, self.worked = workers, most, []

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, worker: type, arguments: Sequence[Any], keys: Sequence[str], what: str, done: int, of: int) -> None:
        """As :meth:`scripts.inference.archive.Cluster.run`."""
        crew = [worker(*pickle.loads(pickle.dumps(tuple(arguments)))) for _ in range(self.workers)]
        for number, key in enumerate(reversed(keys)):
            if len(self.worked) == self.most:
                raise BundleError("killed", 3)
            answer = crew[number % self.workers]({"key": np.array([key])})
            if answer["trouble"][0]:
                raise BundleError(answer["trouble"][0], 3)
            self.worked.append((what, key))


def run_archive(output_dir: Path, weights: Path, **overrides: Any) -> tuple[int, str]:
    """Exit code, and the sentence that would be the last line (where it is an error)."""
    settings = {"image_size": 64, "batch_size": 3, "shard_files": 1, "cluster": Here(), **overrides}
    configs = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "archive")]
    workflow = ConfigWorkflow(
        config_file=configs, workflow_type="infer", logging_file=False, bundle_root=str(BUNDLE),
        output_dir=str(output_dir), weights=str(weights), **settings,
    )  # fmt: skip
    workflow.initialize()
    try:
        workflow.run()
    except Exception as error:
        known = find_bundle_error(error)
        if known is None:
            raise
        return known.exit_code, str(known)
    return 0, ""


@pytest.fixture
def run_over() -> Callable[..., tuple[int, str]]:
    """``run_over(output_dir, weights, **overrides)``: exit code and sentence of a run over an archive."""
    return run_archive


@pytest.fixture
def here() -> type[Here]:
    """Workers in this process."""
    return Here


@pytest.fixture
def trying(archive: Path) -> Path:
    """The folder of all sorts, with an image that comes twice, two that share a UID, and a cine in colour."""
    again = pydicom.dcmread(archive / "1.2.840.99")
    again.save_as(archive / "deep" / "again.dcm")
    other = pydicom.dcmread(archive / "1.2.840.99")
    pixels = np.array(other.pixel_array)
    pixels[:40] = 255 - pixels[:40]
    other.PixelData = pixels.tobytes()
    other.save_as(archive / "deep" / "other.dcm")
    (archive / "cine.dcm").write_bytes(Path(pydicom.examples.get_path("ybr_color")).read_bytes())
    return archive


def contents(output_dir: Path) -> dict[str, Any]:
    """All that a run tells, but for seconds and dates."""
    texts = {name: (output_dir / name).read_text(encoding="utf-8") for name in TABLES}
    tables = {name: list(csv.reader(io.StringIO(text))) for name, text in texts.items()}
    folders = ("masks", "overlays", "evidence", "strips")
    files = {
        path.relative_to(output_dir).as_posix(): path.read_bytes()
        for folder in folders
        for path in (output_dir / folder).rglob("*.png")
    }
    summary = json.loads((output_dir / "summary.json").read_text())
    told = {name: summary[name] for name in ("finished", "rows", "files", "analysed", "counts", "configuration_digest")}
    evidence = json.loads((output_dir / "evidence.json").read_text())
    uids = {}
    for path in sorted((output_dir / "dicom_sr").rglob("*.dcm")):
        uids[path.relative_to(output_dir).as_posix()] = str(pydicom.dcmread(path).SOPInstanceUID)
    return {**tables, "files": files, "summary": told, "evidence": evidence, "uids": uids}


@pytest.fixture
def told() -> Callable[[Path], dict[str, Any]]:
    """``told(output_dir)``: all that a run tells, but for seconds and dates."""
    return contents
