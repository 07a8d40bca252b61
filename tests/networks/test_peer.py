"""Peers answer by the names that training and evaluation ask for, and learn their own task alone."""

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from scripts.networks import Peer

CONFIGS = Path(__file__).resolve().parents[2] / "bundle" / "configs"
SEGMENTERS = ("unet", "segresnet", "dynunet", "pretrained_unet")


def build(name, part):
    parser = ConfigParser()
    parser.read_config([CONFIGS / "train.json", CONFIGS / "peers" / "peer.json", CONFIGS / "peers" / f"{name}.json"])
    return parser.get_parsed_content(part)


@pytest.mark.parametrize("name", [*SEGMENTERS, "resnet18", "pretrained_classifier"])
def test_a_peer_learns_its_task_from_its_config(name):
    torch.manual_seed(0)
    network, loss = build(name, "network").cpu(), build(name, "loss")
    image, mask = torch.rand(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)
    mask[0, :, 20:40, 20:40] = 1
    evidence = network.forward_named(image)
    assert evidence["mask_logits"].shape == (2, 1, 64, 64) and evidence["diagnosis_logits"].shape == (2, 2)
    assert evidence["lesion_logit"].shape == evidence["reliability"].shape == evidence["indeterminate"].shape == (2, 1)
    assert list(build(name, "validate#key_metric")) == ["val_mean_dice" if name in SEGMENTERS else "val_auc"]
    value = loss(evidence, {"mask": mask, "pasted": torch.zeros_like(mask), "diagnosis": torch.tensor([1, -1])})
    value.backward()
    assert torch.isfinite(value) and list(loss.terms) == ["mask" if name in SEGMENTERS else "diagnosis"]
    assert any(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


@torch.no_grad()
@pytest.mark.parametrize(
    "name, answer",
    [("unet", "mask_logits"), ("pretrained_unet", "mask_logits"), ("resnet18", "diagnosis_logits")],
)
def test_a_peer_sees_each_image_mirrored_too(name, answer):
    network, image = build(name, "network").cpu().eval(), torch.rand(2, 3, 64, 64)
    for mirror in (True, False):
        network.mirror = mirror
        as_is, flipped = (network.forward_named(view)[answer] for view in (image, image.flip(-1)))
        if answer == "mask_logits":
            flipped = flipped.flip(-1)
        assert torch.allclose(as_is, flipped, atol=1e-5) is mirror


def test_a_classifier_without_diagnosed_lesions_learns_nothing():
    loss = build("resnet18", "loss")
    logits, pasted = torch.randn(2, 2, requires_grad=True), torch.zeros(2, 1, 8, 8)
    assert loss({"diagnosis_logits": logits}, {"diagnosis": torch.tensor([-1, -1]), "pasted": pasted}).item() == 0
    assert loss({"diagnosis_logits": logits}, {"diagnosis": torch.tensor([0, 1]), "pasted": pasted}).item() > 0
    assert loss({"diagnosis_logits": logits}, {"diagnosis": torch.tensor([0, 1]), "pasted": pasted + 1}).item() == 0


def test_a_segmenter_learns_a_pasted_lesion_too():
    loss, pasted = build("unet", "loss"), torch.zeros(1, 1, 8, 8)
    pasted[..., :4] = 1
    logits = torch.zeros(1, 1, 8, 8, requires_grad=True)
    loss({"mask_logits": logits}, {"mask": torch.zeros_like(pasted), "pasted": pasted}).backward()
    assert (logits.grad[..., :4] < 0).all() and (logits.grad[..., 4:] > 0).all()


def test_a_peer_is_one_or_the_other():
    with pytest.raises(ValueError, match="give one of the two"):
        Peer()
