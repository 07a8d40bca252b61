"""Training in several processes: what DistributedDataParallel does not do by itself."""

from __future__ import annotations

import os
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from scripts.errors import BundleError


def join_processes() -> torch.device:
    """Join the processes that ``torchrun`` has started: over NCCL with a GPU each, over Gloo on CPUs.

    Returns:
        This process's device.

    Raises:
        BundleError: if ``torchrun`` has not started this process, or there are fewer GPUs than processes.
    """
    if "LOCAL_RANK" not in os.environ:
        raise BundleError("A multi_gpu configuration is started by torchrun; see docs/multi_gpu.md.")
    local_rank, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if gpus and local_rank >= gpus:
        raise BundleError(f"There are {gpus} GPUs, fewer than processes; start as many with --nproc_per_node.")
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if gpus else "gloo")
    if gpus:
        torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank) if gpus else torch.device("cpu")


class _Named(nn.Module):
    """The network with ``forward_named`` for its ``forward``, which is all that DistributedDataParallel wraps."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> dict[str, Tensor]:
        outputs = self.network.forward_named(*inputs)
        # The loss may leave some of the outputs out (a batch without a diagnosed lesion), but gradients are
        # exchanged once all of it has been heard of.
        heard = [value.flatten()[:1].float() for value in outputs.values() if value.requires_grad]
        if heard:
            outputs["mask_logits"] = outputs["mask_logits"] + 0.0 * sum(heard)
        return outputs


class DistributedRadVLSM(DistributedDataParallel):
    """Exchanges the gradients of :meth:`RadVLSM.forward_named` between processes.

    Optimiser, moving average and checkpoints keep to the network itself, so that their keys stay as they are.

    Args:
        network: a :class:`scripts.networks.RadVLSM`, the same on every rank, on the rank's device.
        options: of :class:`torch.nn.parallel.DistributedDataParallel`.
    """

    def __init__(self, network: nn.Module, **options: Any) -> None:
        # Parts that the configuration switches off get no gradients.
        super().__init__(_Named(network), find_unused_parameters=True, **options)

    def forward_named(self, image: Tensor, *text: Tensor) -> dict[str, Tensor]:
        """As :meth:`RadVLSM.forward_named`."""
        return self(image, *text)


class SameBuffers:
    """Gives every rank the buffers of rank 0 before it validates: batch statistics follow what a rank has seen.

    Args:
        network: what is validated.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Before the first batch."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        for buffer in self.network.buffers():
            torch.distributed.broadcast(buffer, src=0)
