"""Gradients of named evidence through DistributedDataParallel."""

import pytest
import torch
from torch import nn

from scripts.errors import BundleError
from scripts.training import DistributedRadVLSM, join_processes


class Two(nn.Module):
    """Evidence from two parts, and a third that is switched off."""

    def __init__(self):
        super().__init__()
        self.mask, self.diagnosis, self.off = (nn.Linear(4, 1) for _ in range(3))

    def forward_named(self, image):
        return {"mask_logits": self.mask(image), "diagnosis_logits": self.diagnosis(image), "boxes": image.detach()}


@pytest.fixture
def process_group(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def test_a_loss_may_leave_evidence_out(process_group):
    """DistributedDataParallel by itself stops at the second step."""
    network = Two()
    distributed = DistributedRadVLSM(network)
    image = torch.rand(3, 4)
    for names in (["mask_logits"], ["mask_logits", "diagnosis_logits"], ["mask_logits"]):
        network.zero_grad()
        evidence = distributed.forward_named(image)
        sum(evidence[name].sum() for name in names).backward()
        expected = image.sum(dim=0, keepdim=True)
        torch.testing.assert_close(network.mask.weight.grad, expected)
        torch.testing.assert_close(network.diagnosis.weight.grad, expected * ("diagnosis_logits" in names))
    assert network.off.weight.grad is None
    assert all(name.startswith("module.network.") for name in distributed.state_dict())


def test_without_torchrun_it_says_so(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(BundleError, match="torchrun"):
        join_processes()
