"""Errors of others in the user's words: the real cause, and what to do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.errors import BundleError, find_bundle_error
from scripts.networks import NamedInferer


class _Normalised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward_named(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"mask": self.norm(image.mean((2, 3), keepdim=True))}


def test_a_batch_of_one_is_told_as_such() -> None:
    with pytest.raises(BundleError, match="batch of one image.*--batch_size to 2") as raised:
        NamedInferer()(torch.rand(1, 3, 32, 32), _Normalised())
    assert "--image_size" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's workers are out of "
        "shared memory. Please try to raise your shared memory limit.",
        "Caught RuntimeError in DataLoader worker process 0.\nRuntimeError: unable to allocate shared memory(shm) for "
        "file </torch_1_2_3>: No space left on device (28)",
    ],
)
def test_small_shared_memory_is_told_as_such(text: str) -> None:
    error = RuntimeError("Failed to evaluate")
    error.__cause__ = RuntimeError(text)
    assert "--num_workers 0" in str(find_bundle_error(error)) and find_bundle_error(error).exit_code == 2


def test_our_own_sentence_comes_before_a_translation() -> None:
    error = BundleError("ours")
    error.__cause__ = RuntimeError("out of shared memory")
    assert find_bundle_error(error) is error and find_bundle_error(ValueError("else")) is None
