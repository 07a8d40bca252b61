"""The one place that opens checkpoints: our own weights and those of stage 1."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from scripts.errors import BundleError

from .alignment import SHARED

#: What is fitted after training, and may not be in a file yet.
FITTED_LATER = ("domain.",)


def read_checkpoint(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a file: raw, or under ``ema`` (our ``last.pt``), ``model`` or ``state_dict``.

    Args:
        path: a file written by ``torch.save``.

    Returns:
        Tensors by name, on the CPU.

    Raises:
        BundleError: if the file is missing or holds no state dict.
    """
    path = _existing(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names a dozen kinds of broken files
        raise BundleError(f'The weights "{path}" cannot be read as a PyTorch checkpoint; replace the file.') from error
    for key in ("ema", "model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise BundleError(f'The weights "{path}" hold no state dict; give a file of tensors by name.')
    return dict(content)


def weights_digest(path: str | Path) -> str:
    """SHA-256 of a weights file, hexadecimal.

    Raises:
        BundleError: if the file is missing.
    """
    path = _existing(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else (
            hashlib.sha256(file.read()).hexdigest()
        )


def _existing(path: str | Path) -> Path:
    if not Path(path).is_file():
        raise BundleError(f'The weights "{path}" do not exist; check the path, or train them with configs/train.json.')
    return Path(path)


def explain_mismatch(
    expected: Mapping[str, Tensor], state: Mapping[str, Tensor], names: tuple[str, ...] = ("",)
) -> str:
    """What of the tensors that start with one of the names does not fit, named by tensor; empty if everything does."""
    expected = {name: value for name, value in expected.items() if name.startswith(names)}
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    shapes = [
        f"{name} is {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]

    def some(names: list[str]) -> str:
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    parts = [(some(missing), "it lacks "), (some(unexpected), "it has the unknown "), (some(shapes), "")]
    return "; ".join(word + text for text, word in parts if text)


def load_weights(network: nn.Module, path: str | Path | None) -> nn.Module:
    """Load our own weights, strictly.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        path: the checkpoint; None leaves the network as it is.

    Returns:
        The network.

    Raises:
        BundleError: if the file is missing, unreadable, or does not fit; the sentence names the tensors.
    """
    if path is None:
        return network
    own = network.state_dict()
    unfitted = {name: torch.zeros_like(value) for name, value in own.items() if name.startswith(FITTED_LATER)}
    state = unfitted | read_checkpoint(path)
    mismatch = explain_mismatch(own, state)
    if mismatch:
        raise BundleError(
            f'The weights "{path}" do not fit this network: {mismatch}. Use the configuration they were trained with.'
        )
    # Copied, not assigned: where a file's tensors lie in memory changes the last digits of what is computed with them.
    network.load_state_dict(state)
    return network


def load_heads(network: nn.Module, path: str | Path | None) -> nn.Module:
    """Start everything but the image encoder from weights of the same network with another encoder.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        path: the checkpoint; None leaves the network as it is.

    Returns:
        The network.

    Raises:
        BundleError: if the file is missing, unreadable, or does not fit; the sentence names the tensors.
    """
    if path is None:
        return network
    own = network.state_dict()
    elsewhere = ("image_encoder.", *FITTED_LATER)
    heads = {name: value for name, value in own.items() if not name.startswith(elsewhere)}
    state = {name: value for name, value in read_checkpoint(path).items() if not name.startswith(elsewhere)}
    mismatch = explain_mismatch(heads, state)
    if mismatch:
        raise BundleError(f'The weights "{path}" do not fit this network: {mismatch}. Use the options of theirs.')
    network.load_state_dict({**own, **state})
    return network


def save_weights(network: nn.Module, path: str | Path) -> None:
    """Write weights at half their size for :func:`load_weights`: kernels and matrices in half precision, which moves
    no answer beyond its third digit; vectors, such as statistics of normalisation and what was fitted, as they are.

    Args:
        network: any.
        path: the file to write.
    """
    state = {name: value.cpu() for name, value in network.state_dict().items()}
    kernels = [name for name, value in state.items() if value.is_floating_point() and value.dim() > 1]
    torch.save({**state, **{name: state[name].half() for name in kernels}}, path)


def average_weights(paths: Sequence[str | Path], file: str | Path) -> Path:
    """Write the mean of several weights of one network, of one training at different times.

    Weights that lie in one basin average to weights that are as good or better (Wortsman et al., Model soups, ICML
    2022); weights of separate trainings do not.

    Args:
        paths: checkpoints with the same tensors.
        file: where the mean goes; counts and other whole numbers are the last checkpoint's.

    Returns:
        The file.

    Raises:
        BundleError: a checkpoint is missing, unreadable, or does not fit the last one.
    """
    states = [read_checkpoint(path) for path in paths]
    for path, state in zip(paths, states, strict=True):
        mismatch = explain_mismatch(states[-1], state)
        if mismatch:
            raise BundleError(f'"{path}" and "{paths[-1]}" do not fit: {mismatch}. Average weights of one network.')
    mean = {
        name: torch.stack([state[name] for state in states]).mean(dim=0) if value.is_floating_point() else value
        for name, value in states[-1].items()
    }
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    torch.save(mean, file)
    return Path(file)


def load_alignment(network: nn.Module, path: str | Path | None) -> nn.Module:
    """Start a network from what stage 1 learned: image encoder, semantic prompter, position encoding.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        path: the checkpoint of ``configs/align.json``; None leaves the network as it is.

    Returns:
        The network.

    Raises:
        BundleError: if the file is missing, unreadable, or was trained with other parts.
    """
    return network if path is None else _load_part(network, path, SHARED, "")


def load_text_tower(tower: nn.Module, path: str | Path | None) -> nn.Module:
    """The text tower of stage 1, frozen from here on.

    Args:
        tower: a :class:`scripts.networks.TextTower`.
        path: the checkpoint of ``configs/align.json``; None leaves the tower as it is.

    Returns:
        The tower, in evaluation mode.

    Raises:
        BundleError: if the file is missing, unreadable, or was trained with another tower.
    """
    tower = tower if path is None else _load_part(tower, path, ("",), "text_tower.")
    return tower.eval().requires_grad_(False)


def save_text_tower(checkpoint: str | Path, path: str | Path) -> None:
    """Write the text tower of a stage-1 checkpoint by itself, in half precision, for :func:`load_text_tower`.

    Args:
        checkpoint: of ``configs/align.json``.
        path: the file to write.

    Raises:
        BundleError: if the checkpoint is missing, unreadable, or holds no text tower.
    """
    tower = {name: value for name, value in read_checkpoint(checkpoint).items() if name.startswith("text_tower.")}
    if not tower:
        raise BundleError(f'The checkpoint "{checkpoint}" holds no text tower; give one of configs/align.json.')
    torch.save({name: value.half() if value.is_floating_point() else value for name, value in tower.items()}, path)


def _load_part(module: nn.Module, path: str | Path, names: tuple[str, ...], prefix: str) -> nn.Module:
    """Those tensors of a module that start with one of the names, from those of a file under a prefix."""
    own = module.state_dict()
    file = read_checkpoint(path)
    state = {name.removeprefix(prefix): value for name, value in file.items() if name.startswith(prefix)}
    state = {name: value for name, value in state.items() if name.startswith(names)}
    mismatch = explain_mismatch(own, state, names)
    if mismatch:
        raise BundleError(
            f'The stage-1 checkpoint "{path}" was trained with another architecture: {mismatch}. '
            "Align this one with configs/align.json, or use the options that one was aligned with."
        )
    module.load_state_dict({**own, **state})
    return module




