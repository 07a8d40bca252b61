"""Adapters: what a network learns for one site, beside default weights that stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from scripts.errors import BundleError

from .checkpoints import explain_mismatch, load_weights, read_checkpoint, weights_digest
from .digests import FITTED, learned_digest

#: Where the adapters of weights lie, beside their file.
FOLDER = "adapters"
NONE = "none"
_KEYS = {"site", "default", "low_rank", "tensors"}


class LowRank(nn.Module):
    """A correction of low rank to a frozen weight (LoRA; Hu et al., ICLR 2022): zero until it is trained.

    Args:
        weight: of a linear layer or a convolution, shape (out, in, ...).
        rank: of the correction.
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows = weight.flatten(1)
        self.down = nn.Parameter(torch.randn(rank, rows.shape[1]) / rows.shape[1] ** 0.5)
        self.up = nn.Parameter(torch.zeros(rows.shape[0], rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The corrected weight."""
        return weight + (self.up @ self.down).view_as(weight)


def adapt(network: nn.Module, rank: int = 8) -> nn.Module:
    """Give every large weight of a network a correction of low rank; small ones are trained themselves.

    A weight gets a correction where that has fewer numbers than the weight, and is frozen then. All else (scales and
    shifts of normalisation, depthwise kernels, queries, small heads) and the diagnosis head, which belongs to the
    site's classes, is trained in full. Corrections are part of the weights for whoever asks for those
    (:mod:`torch.nn.utils.parametrize`): nothing else of the network needs to know of them.

    Args:
        network: a :class:`scripts.networks.RadVLSM` with the default weights.
        rank: of the corrections; 0 makes none, and all of the network is trained.

    Returns:
        The network.
    """
    if not network.diagnosis_head.region_classifier.out_features:
        network.diagnosis_head.requires_grad_(False)  # without classes it learns nothing
    for path, module in list(network.named_modules()):
        for name, weight in list(module.named_parameters(recurse=False)):
            if path.startswith("diagnosis_head") or weight.dim() < 2:
                continue
            rows, columns = weight.flatten(1).shape
            if 0 < rank * (rows + columns) < weight.numel():
                parametrize.register_parametrization(module, name, LowRank(weight, rank))
                module.parametrizations[name].original.requires_grad_(False)
    return network


def load_default(network: nn.Module, path: str | Path) -> nn.Module:
    """Begin a site from default weights: all but what in the diagnosis head belongs to other classes or descriptors.

    Args:
        network: a :class:`scripts.networks.RadVLSM` of the site.
        path: the default weights.

    Returns:
        The network.

    Raises:
        BundleError: if the file is missing, unreadable, or does not fit.
    """
    own = network.state_dict()
    state = {**_fitted(own), **read_checkpoint(path)}
    for name, value in own.items():
        if name.startswith("diagnosis_head.") and name in state and state[name].shape != value.shape:
            state[name] = value
    mismatch = explain_mismatch(own, state)
    if mismatch:
        raise BundleError(f'The weights "{path}" do not fit this network: {mismatch}. Use the options of theirs.')
    network.load_state_dict(state)
    return network


def save_adapter(network: nn.Module, default: str | Path, site: str, path: str | Path) -> Path:
    """Write what an adapted network has learned, in half precision where that moves no answer.

    Args:
        network: of :func:`adapt`, trained.
        default: the weights that it began from; their digest goes into the file.
        site: whose adapter it is.
        path: the file; its folder is made.

    Returns:
        The file.
    """
    begun = read_checkpoint(default)
    low_rank: dict[str, dict[str, Tensor]] = {}
    tensors: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        value = value.detach().cpu().contiguous()
        owner, _, part = name.partition("parametrizations.")
        if part:
            weight, _, part = part.partition(".")
            if part.startswith("0."):
                low_rank.setdefault(owner + weight, {})[part.removeprefix("0.")] = value.half()
        elif name.startswith(FITTED) or _differs(value, begun.get(name)):
            # What is fitted is the site's own, whatever the default is calibrated to later.
            # As in save_weights: kernels and matrices in half precision, vectors as they are.
            tensors[name] = value.half() if value.is_floating_point() and value.dim() > 1 else value
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"site": site, "default": learned_digest(default), "low_rank": low_rank, "tensors": tensors}, path)
    return path


def save_fitted(network: nn.Module, adapter: str | Path, path: str | Path) -> Path:
    """Write an adapter again with what was fitted to it after training.

    Args:
        network: of :func:`load_site_weights` with that adapter, calibrated since.
        adapter: the file that it was loaded from.
        path: the new file; its folder is made.

    Returns:
        The file.
    """
    content = read_adapter(adapter)
    for name, value in network.state_dict().items():
        if name.startswith(FITTED):
            value = value.detach().cpu().contiguous()
            content["tensors"][name] = value.half() if value.dim() > 1 else value
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return path


def find_adapter(weights: str | Path, site: str) -> Path | None:
    """The adapter of a site that lies beside weights, in ``adapters/<site>.pt``; None where there is none."""
    path = Path(weights).parent / FOLDER / f"{site}.pt"
    return path if path.is_file() else None


def adapter_digest(adapter: str | Path | None) -> str:
    """SHA-256 of an adapter's file, hexadecimal; "" where there is none."""
    return "" if adapter is None or str(adapter) == NONE else weights_digest(adapter)


def load_site_weights(
    network: nn.Module, weights: str | Path | None, adapter: str | Path | None, site: str = ""
) -> nn.Module:
    """Load weights, and on top of them an adapter, which is merged: inference costs what it costs without.

    Args:
        network: a :class:`scripts.networks.RadVLSM` of the site.
        weights: the checkpoint; with an adapter, the default weights that it was trained on.
        adapter: of :func:`save_adapter`; None or "none" loads the weights alone.
        site: of the network; an adapter of another one is refused. "" takes any.

    Returns:
        The network.

    Raises:
        BundleError: a file is missing, unreadable or does not fit, or the adapter is of other weights or another site.
    """
    if adapter is None or str(adapter) == NONE:
        return load_weights(network, weights)
    content = read_adapter(adapter)
    if site and content["site"] != site:
        raise BundleError(f'The adapter "{adapter}" is of the site {content["site"]}; give --site {content["site"]}.')
    if learned_digest(weights) != content["default"]:
        raise BundleError(
            f'The adapter "{adapter}" was trained on other default weights than "{weights}"; give those with '
            "--weights, or train the adapter anew with configs/adapter.json."
        )
    learned = {name: value for name, value in read_checkpoint(weights).items() if not name.startswith(FITTED)}
    state = {**_fitted(network.state_dict()), **learned, **content["tensors"]}
    strange = [name for name in content["low_rank"] if name not in state]
    mismatch = explain_mismatch(network.state_dict(), state) or ", ".join(strange)
    if mismatch:
        raise BundleError(f'The adapter "{adapter}" does not fit this network: {mismatch}. Use its options.')
    for name, parts in content["low_rank"].items():
        correction = parts["up"].float() @ parts["down"].float()
        state[name] = state[name].float() + correction.view_as(state[name])
    network.load_state_dict(state)
    return network


def read_adapter(path: str | Path) -> dict[str, Any]:
    """What :func:`save_adapter` wrote.

    Raises:
        BundleError: the file is missing or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise BundleError(f'The adapter "{path}" does not exist; check --adapter, or train it with adapter.json.')
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names a dozen kinds of broken files
        raise BundleError(f'The adapter "{path}" cannot be read as a PyTorch file; replace it.') from error
    if not isinstance(content, dict) or set(content) != _KEYS:
        raise BundleError(f'"{path}" is no adapter; give a file that configs/adapter.json wrote.')
    return content


def _fitted(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What is fitted after training, as it is before: not every file of weights has all of it."""
    return {name: value for name, value in state.items() if name.startswith(FITTED)}


def _differs(value: Tensor, begun: Tensor | None) -> bool:
    """Whether a tensor is another one than training began with."""
    return begun is None or begun.shape != value.shape or not torch.equal(begun.to(value), value)
