"""A trained loop in one file, beside the default weights that it stands on."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from scripts.errors import BundleError
from scripts.networks.checkpoints import explain_mismatch, read_checkpoint, weights_digest
from scripts.writing.files import whole_file


def stand_on(network: nn.Module, weights: str | Path) -> nn.Module:
    """Note which default weights a loop stands on.

    Args:
        network: a :class:`scripts.networks.ClosedLoop`, whose ``base`` has them.
        weights: their file.

    Returns:
        The network.
    """
    network.base_digest.copy_(torch.tensor(list(bytes.fromhex(weights_digest(weights))), dtype=torch.uint8))
    return network


def save_loop(network: nn.Module, path: str | Path) -> None:
    """Write what was trained of a loop, matrices in half precision.

    Args:
        network: a :class:`scripts.networks.ClosedLoop`.
        path: the file to write.
    """
    state = {name: value.detach().cpu() for name, value in network.loop_state().items()}
    halves = {name: value.half() if value.is_floating_point() and value.dim() > 1 else value
              for name, value in state.items()}  # fmt: skip
    with whole_file(path) as file:
        torch.save(halves, file)


def load_loop(network: nn.Module, path: str | Path | None) -> nn.Module:
    """Load what :func:`save_loop` wrote.

    Args:
        network: a :class:`scripts.networks.ClosedLoop` that stands on default weights (:func:`stand_on`).
        path: the file; None leaves the network as it is.

    Returns:
        The network.

    Raises:
        BundleError: the file is missing, of other default weights, of another tokenizer, or of another network.
    """
    if path is None:
        return network
    if not Path(path).is_file():
        raise BundleError(f'The closed loop "{path}" does not exist; train one with the run "language".')
    state = read_checkpoint(path)
    if not {"base_digest", "tokenizer_digest"} <= state.keys():
        raise BundleError(f'"{path}" is no closed loop; give the file that the run "language" wrote.')
    told = {name: bytes(state[name].tolist()).hex()[:12] for name in ("base_digest", "tokenizer_digest")}
    if not _same(state["base_digest"], network.base_digest):
        here = bytes(network.base_digest.tolist()).hex()[:12]
        raise BundleError(
            f'The closed loop "{path}" stands on other default weights ({told["base_digest"]}..., here {here}...): '
            'give those with --weights, or train it anew with the run "language".'
        )
    if not _same(state["tokenizer_digest"], network.tokenizer_digest):
        raise BundleError(
            f'The closed loop "{path}" was trained with another tokenizer ({told["tokenizer_digest"]}...); give its '
            "language model with --language_model."
        )
    expected = network.loop_state()
    mismatch = explain_mismatch(expected, state)
    if mismatch:
        raise BundleError(f'The closed loop "{path}" does not fit this network: {mismatch}. Use the options it had.')
    network.load_state_dict(state, strict=False)
    return network


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one.cpu() == other.cpu()).all())
