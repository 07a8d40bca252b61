"""Fit what is fitted after training, and write the weights that know it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.errors import BundleError
from scripts.networks import load_site_weights, save_fitted, save_weights
from scripts.networks.adapters import NONE
from scripts.sites import Classes

from .calibration_fit import fit_all
from .cases import CaseTable


@torch.no_grad()
def apply_calibration(network: nn.Module, fitted: Mapping[str, Any]) -> None:
    """Put fitted values into a network that was trained, but not calibrated.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        fitted: see :func:`scripts.evaluation.calibration_fit.fit_all`.
    """
    network.diagnosis_temperature.fill_(fitted["diagnosis_temperature"])
    if fitted["evidence"]["separates"]:  # else the threshold of training stays
        network.evidence_threshold.fill_(fitted["evidence"]["threshold"])
        network.evidence_temperature.fill_(fitted["evidence_temperature"])
    network.indeterminate_band.copy_(torch.tensor(fitted["abstention"]["band"]))
    network.reliability_threshold.fill_(fitted["abstention"]["reliability_threshold"])
    # The reliability's line is the gate's own last layer, of which the second output is the logit of the expected IoU.
    last = network.evidence_gate.head
    last.weight[1] *= fitted["reliability_slope"]
    last.bias[1] = fitted["reliability_slope"] * last.bias[1] + fitted["reliability_offset"]


def calibrate(
    network: nn.Module,
    weights: str | Path | None,
    cases: str | Sequence[str],
    output_dir: str | Path,
    classes: Classes,
    domain: Callable[[nn.Module], dict[str, Any]] | None = None,
    adapter: str | Path | None = None,
    site: str = "",
) -> dict[str, Any]:
    """Fit on case tables, apply to a network, write ``model.pt``, or ``adapter.pt``, and ``calibration.json``.

    Args:
        network: what the weights are of.
        weights: the checkpoint to calibrate, which is not calibrated yet.
        cases: ``cases.csv`` of evaluations of networks trained like it, on images that they had not seen, with an
            evidence threshold of zero; together they are one table. How far they were trained alike decides how far
            what is fitted carries over: evaluate before and after. Without any, the domain alone is fitted.
        output_dir: where both files go.
        classes: what the lesions can be.
        domain: fits what images the network knows, such as :func:`scripts.evaluation.fit_domain`; None leaves it open.
        adapter: what is calibrated, on top of the weights; None or "none" calibrates the weights.
        site: of the network; "" takes any adapter.

    Returns:
        What was fitted.

    Raises:
        BundleError: weights or cases are not named, a table is missing, the cases cannot tell, or the weights are
            calibrated already.
    """
    if weights is None:
        raise BundleError("Nothing was named to calibrate; give with --weights those that training wrote.")
    if not cases and domain is None:
        raise BundleError(
            "Nothing can be calibrated without cases; name the case tables of evaluations with --cases, or with "
            "--dataset_dir the images that were trained on, which tell what the network knows."
        )
    load_site_weights(network, weights, adapter, site)
    if network.is_calibrated():
        raise BundleError("These weights are calibrated already; give with --weights those that training wrote.")
    fitted: dict[str, Any] = {}
    if cases:
        tables = [CaseTable.read(path, classes) for path in ([cases] if isinstance(cases, str) else cases)]
        columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0].columns}
        merged = CaseTable(columns, classes)
        fitted = fit_all(merged) | {"cases": len(merged)}
        apply_calibration(network, fitted)
    if domain is not None:
        fitted["domain"] = domain(network)
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    if adapter is None or str(adapter) == NONE:
        save_weights(network, folder / "model.pt")
    else:
        save_fitted(network, adapter, folder / "adapter.pt")
    (folder / "calibration.json").write_text(json.dumps(fitted, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return fitted
