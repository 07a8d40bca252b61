"""The command itself, as a user types it, with untrained weights."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

BUNDLE = Path(__file__).parents[3] / "bundle"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parser = ConfigParser()
    parser.read_config(str(BUNDLE / "configs" / "inference.json"))
    torch.manual_seed(3)
    network = parser.get_parsed_content("network_def")
    network.evidence_threshold.fill_(-100.0)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def start(tmp_path: Path, weights: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``run inference`` from the repository root, as a user types it."""

    def begin(
        *arguments: str, limit_files: int = 0, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        command = [
            sys.executable, "-m", "monai.bundle", "run", "inference", "--config_file",
            "bundle/configs/inference.json", "--bundle_root", "bundle", "--image_size", "64",
            "--dataset_dir", str(tmp_path / "in"), "--output_dir", str(tmp_path / "out"), "--weights", str(weights),
            *arguments,
        ]  # fmt: skip
        if limit_files:
            command = ["prlimit", f"--fsize={limit_files}", *command]
        return subprocess.Popen(
            command, cwd=BUNDLE.parent, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        )  # fmt: skip

    return begin


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    folder, draw = tmp_path / "in", np.random.default_rng(0)
    folder.mkdir()
    paths = [folder / f"{number:02d}.png" for number in range(12)]
    for path in paths:
        Image.fromarray(draw.integers(0, 255, (120, 100), np.uint8)).save(path)
    return paths


@pytest.fixture
def last_line() -> Callable[[str], str]:
    """What a run says last, in a whole line."""

    def of(stderr: str) -> str:
        assert stderr.endswith("\n")
        return stderr.splitlines()[-1]

    return of
