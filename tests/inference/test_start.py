"""The start of a run costs no library that it does not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BUNDLE = Path(__file__).parents[2] / "bundle"
HEAVY = "highdicom matplotlib skimage tensorboard open_clip radiomics SimpleITK segment_anything"


def test_heavy_libraries_are_imported_only_where_a_run_uses_them() -> None:
    """Beyond those that MONAI itself imports."""
    program = (
        "import sys, monai.bundle\n"
        "before = set(sys.modules)\n"
        "import scripts.findings, scripts.inference, scripts.results, scripts.serving\n"
        f"print(*sorted((set(sys.modules) - before) & set('{HEAVY}'.split())))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=BUNDLE, text=True, capture_output=True, check=True)
    assert done.stdout.split() == []
