"""Which weights are meant: digests of a file, and of what training put into it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .checkpoints import read_checkpoint

#: What is fitted after training: another calibration does not make other weights.
FITTED = (
    "diagnosis_temperature", "domain.", "evidence_gate.head.", "evidence_temperature", "evidence_threshold",
    "indeterminate_band", "reliability_threshold",
)  # fmt: skip


def learned_digest(path: str | Path) -> str:
    """SHA-256 of the learned tensors of a checkpoint, hexadecimal: equal for weights that are calibrated anew.

    What stands on default weights, an adapter or a closed loop, names those by it.

    Args:
        path: the weights.

    Raises:
        BundleError: if the file is missing or holds no state dict.
    """
    digest = hashlib.sha256()
    for name, value in sorted(read_checkpoint(path).items()):
        if not name.startswith(FITTED):
            digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
            digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
