"""What made a result: versions, weights and configuration, each as a digest that changes when results may change."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from torch import nn

_PACKAGES = ("torch", "monai", "pytorch-ignite", "numpy", "scipy", "pydicom", "highdicom", "Pillow")
_PLAIN = (bool, int, float, str, tuple, list, type(None))


def bundle_version() -> str:
    """The bundle's version, from its metadata."""
    metadata = Path(__file__).resolve().parents[2] / "configs" / "metadata.json"
    return str(json.loads(metadata.read_text())["version"]) if metadata.is_file() else "0"


def versions() -> dict[str, str]:
    """Versions of the bundle, of Python and of the packages that results depend on."""
    found = {"bundle": bundle_version(), "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def network_digest(network: nn.Module) -> str:
    """SHA-256 of a network's architecture and options (all plain attributes of all modules), not of its weights."""
    parts = {
        name: [type(module).__qualname__, {key: _plain(value) for key, value in sorted(vars(module).items())}]
        for name, module in network.named_modules()
    }
    return configuration_digest(parts)


def configuration_digest(configuration: Mapping[str, Any]) -> str:
    """SHA-256 of plain values, whatever their order."""
    return hashlib.sha256(json.dumps(configuration, sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else type(value).__qualname__
