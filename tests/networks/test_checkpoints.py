"""Checkpoints: our own strictly, SAM's with resized positions, text towers through open_clip."""

import json

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

from scripts.errors import BundleError
from scripts.networks import (
    Alignment,
    CompactEncoder,
    SamEncoder,
    SemanticPrompter,
    TextTower,
    average_weights,
    load_alignment,
    load_heads,
    load_sam,
    load_text_tower,
    load_weights,
    save_text_tower,
    save_weights,
)
from scripts.networks import MaskDecoder as OurMaskDecoder
from scripts.networks import PromptEncoder as OurPromptEncoder

TINY = dict(embed_dim=32, depth=2, num_heads=2, global_attn_indexes=(1,))


@pytest.fixture()
def sam_file(tmp_path):
    """A checkpoint of SAM's format: a tiny random ViT made for 512 pixels."""
    torch.manual_seed(0)
    sam = Sam(
        image_encoder=ImageEncoderViT(
            img_size=512, patch_size=16, mlp_ratio=4, qkv_bias=True, use_rel_pos=True, window_size=14, out_chans=256,
            norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6), **TINY,
        ),
        prompt_encoder=PromptEncoder(256, (32, 32), (512, 512), 16),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3, transformer=TwoWayTransformer(2, 256, 8, 2048), transformer_dim=256
        ),
    )  # fmt: skip
    torch.nn.init.normal_(sam.image_encoder.pos_embed)
    torch.save(sam.state_dict(), tmp_path / "sam_vit_tiny.pth")
    return tmp_path / "sam_vit_tiny.pth", sam


@pytest.fixture()
def sam_network(make_network, monkeypatch):
    """Our network around a ViT of the same tiny size, at 128 pixels."""
    monkeypatch.setitem(SamEncoder.SIZES, "vit_b", TINY)
    return make_network(
        image_encoder=SamEncoder("vit_b", image_size=128),
        mask_decoder=OurMaskDecoder(mlp_dim=2048, num_multimask_outputs=3),
    )


@torch.no_grad()
def test_sam_loads_with_resized_positions(sam_file, sam_network):
    path, sam = sam_file
    load_sam(sam_network, path)
    own, state = sam_network.state_dict(), sam.state_dict()
    for name, value in state.items():
        ours = name.replace("image_encoder.", "image_encoder.vit.")
        if ours in own and own[ours].shape == value.shape:
            assert torch.equal(own[ours], value), name
    expected = state["image_encoder.pos_embed"].mean(dim=(1, 2))
    assert own["image_encoder.vit.pos_embed"].shape == (1, 8, 8, 32)
    torch.testing.assert_close(own["image_encoder.vit.pos_embed"].mean(dim=(1, 2)), expected, atol=0.05, rtol=0)
    assert own["image_encoder.vit.blocks.1.attn.rel_pos_h"].shape == (15, 16)
    assert torch.isfinite(sam_network(torch.rand(1, 3, 128, 128))).all()


def test_a_sam_file_of_another_size_names_the_tensors(sam_file, make_network, monkeypatch):
    monkeypatch.setitem(SamEncoder.SIZES, "vit_b", {**TINY, "embed_dim": 64})
    network = make_network(
        image_encoder=SamEncoder("vit_b", 128), mask_decoder=OurMaskDecoder(mlp_dim=2048, num_multimask_outputs=3)
    )
    with pytest.raises(BundleError, match="image_encoder.vit.blocks.0"):
        load_sam(network, sam_file[0])


def test_own_weights_round_trip_raw_and_from_training(make_network, tmp_path):
    network = make_network()
    torch.save(network.state_dict(), tmp_path / "model.pt")
    torch.save({"network": {}, "ema": network.state_dict()}, tmp_path / "last.pt")
    for name in ("model.pt", "last.pt"):
        torch.manual_seed(1)
        other = make_network()
        with torch.no_grad():
            other.mask_decoder.iou_token.weight.add_(1)
        load_weights(other, tmp_path / name)
        expected, loaded = network.state_dict().values(), other.state_dict().values()
        assert all(torch.equal(a, b) for a, b in zip(expected, loaded, strict=True))
    assert (tmp_path / "model.pt").stat().st_size < 25e6


@torch.no_grad()
def test_weights_are_stored_at_half_their_size_and_answer_the_same(make_network, tmp_path):
    network, image = make_network(), torch.rand(2, 3, 64, 64)
    network.evidence_threshold.fill_(0.123456789)
    save_weights(network, tmp_path / "half.pt")
    torch.save(network.state_dict(), tmp_path / "full.pt")
    assert (tmp_path / "half.pt").stat().st_size < 0.55 * (tmp_path / "full.pt").stat().st_size
    torch.manual_seed(1)
    other = load_weights(make_network(), tmp_path / "half.pt")
    assert all(value.dtype != torch.float16 for value in other.state_dict().values())
    assert torch.equal(other.evidence_threshold, network.evidence_threshold)
    torch.testing.assert_close(other(image), network(image), rtol=0, atol=0.01)


def test_heads_are_taken_from_weights_with_another_encoder(make_network, tmp_path):
    heads = make_network(image_encoder=CompactEncoder((8, 16, 32, 64, 96)))
    with torch.no_grad():
        heads.mask_decoder.iou_token.weight.add_(1)
    torch.save(heads.state_dict(), tmp_path / "heads.pt")
    network = make_network()
    before = {name: value.clone() for name, value in network.image_encoder.state_dict().items()}
    load_heads(network, tmp_path / "heads.pt")
    assert torch.equal(network.mask_decoder.iou_token.weight, heads.mask_decoder.iou_token.weight)
    assert all(torch.equal(value, before[name]) for name, value in network.image_encoder.state_dict().items())
    torch.save({"image_encoder.a": torch.zeros(1)}, tmp_path / "encoder.pt")
    with pytest.raises(BundleError, match='encoder.pt" do not fit this network: it lacks'):
        load_heads(network, tmp_path / "encoder.pt")


def test_misfits_are_named_in_one_sentence(make_network, tmp_path):
    network = make_network()
    state = network.state_dict()
    state["mask_decoder.iou_token.weight"] = torch.zeros(1, 64)
    del state["prompt_embedding"]
    state["stranger"] = torch.zeros(1)
    torch.save(state, tmp_path / "other.pt")
    with pytest.raises(BundleError) as error:
        load_weights(network, tmp_path / "other.pt")
    for word in ("other.pt", "lacks prompt_embedding", "stranger", "iou_token.weight is (1, 64) instead of (1, 256)"):
        assert word in str(error.value)
    (tmp_path / "text.pt").write_text("not a checkpoint")
    for name, word in (("text.pt", "cannot be read"), ("absent.pt", "does not exist|do not exist")):
        with pytest.raises(BundleError, match=word):
            load_weights(network, tmp_path / name)


def test_small_text_tower_embeds_texts_differently_and_refuses_long_ones():
    torch.manual_seed(0)
    tower = TextTower().eval()
    texts = ["an oval lesion", "an irregular lesion with a shadow"]
    embedding = tower(texts)
    assert embedding.shape == (2, 256)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(2))
    assert (embedding[0] @ embedding[1]).item() < 0.999
    torch.testing.assert_close(tower.embed(texts[0]), embedding[0])
    with pytest.raises(BundleError, match="shorten"):
        tower(["lesion " * 100])


def test_any_open_clip_model_serves_as_text_tower(tmp_path):
    """By architecture name, and from a local folder in open_clip's format, as BiomedCLIP is kept offline."""
    import open_clip

    text = dict(context_length=32, vocab_size=49408, width=32, heads=2, layers=1)
    vision = dict(image_size=32, layers=1, width=32, head_width=16, patch_size=16)
    config = dict(embed_dim=48, vision_cfg=vision, text_cfg=text)
    folder = tmp_path / "clip"
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps(dict(model_cfg=config, preprocess_cfg={})))
    model = open_clip.CLIP(**{**config, "vision_cfg": open_clip.CLIPVisionCfg(**vision),
                              "text_cfg": open_clip.CLIPTextCfg(**text)})  # fmt: skip
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    tower = TextTower(f"local-dir:{folder}", frozen=True).eval()
    assert tower(["an oval lesion"]).shape == (1, 256)
    assert all(not parameter.requires_grad for parameter in tower.tower.parameters())
    with pytest.raises(BundleError, match="shorten"):
        tower(["lesion " * 40])
    with pytest.raises(BundleError, match="no-such-model"):
        TextTower("no-such-model")


@pytest.fixture()
def alignment():
    """A random network of stage 1."""

    def make(**parts):
        torch.manual_seed(3)
        defaults = dict(
            image_encoder=CompactEncoder(),
            semantic_prompter=SemanticPrompter(),
            prompt_encoder=OurPromptEncoder(),
            text_tower=TextTower(),
        )
        return Alignment(**{**defaults, **parts})

    return make


@torch.no_grad()
def test_stage_2_starts_from_stage_1(make_network, alignment, tmp_path):
    first = alignment().eval()
    torch.save(first.state_dict(), tmp_path / "alignment.pt")
    tower = load_text_tower(TextTower(), tmp_path / "alignment.pt")
    network = load_alignment(make_network(prompt_embedding=tower.embed("a lesion")), tmp_path / "alignment.pt")
    image = torch.rand(2, 3, 64, 64)
    texts = ["one", "two"]
    response = first(image, texts, ["a lesion", "a lesion"])["prompt_logits"]
    torch.testing.assert_close(network.forward_named(image)["response_logits"], response)
    # Another text than the fixed prompt, one per image.
    evidence = network.forward_named(image, tower(["a lesion", "a teapot"]))
    torch.testing.assert_close(evidence["response_logits"][0], response[0])
    assert not torch.allclose(evidence["response_logits"][1], response[1], atol=1e-3)


@torch.no_grad()
def test_a_text_tower_travels_alone_at_half_its_size(alignment, tmp_path):
    first = alignment().eval()
    torch.save({"ema": first.state_dict()}, tmp_path / "last.pt")
    save_text_tower(tmp_path / "last.pt", tmp_path / "text_tower.pt")
    assert (tmp_path / "text_tower.pt").stat().st_size < 10e6
    tower = load_text_tower(TextTower(), tmp_path / "text_tower.pt")
    torch.testing.assert_close(tower(["a lesion"]), first.text_tower(["a lesion"]), atol=2e-3, rtol=0)
    torch.save({"network.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(BundleError, match="holds no text tower"):
        save_text_tower(tmp_path / "other.pt", tmp_path / "text_tower.pt")


def test_a_stage_1_of_another_architecture_is_named(make_network, alignment, tmp_path):
    first = alignment(semantic_prompter=SemanticPrompter(num_queries=4))
    torch.save(first.state_dict(), tmp_path / "alignment.pt")
    with pytest.raises(BundleError, match=r"another architecture: semantic_prompter.queries is \(4, 256\)"):
        load_alignment(make_network(), tmp_path / "alignment.pt")
    torch.save(make_network().state_dict(), tmp_path / "model.pt")
    with pytest.raises(BundleError, match="it lacks tower"):
        load_text_tower(TextTower(), tmp_path / "model.pt")


def test_a_text_longer_than_the_context_is_refused(alignment):
    with pytest.raises(BundleError, match='has 182 tokens, but the tower "small" reads 77; shorten it'):
        alignment()(torch.rand(1, 3, 64, 64), ["lesion " * 90], ["a lesion"])


def test_the_mean_of_weights(tmp_path, make_network):
    first, second = make_network(), make_network()
    for parameter in second.parameters():
        parameter.data += 1.0
    second.diagnosis_temperature.fill_(3.0)
    torch.save(first.state_dict(), tmp_path / "first.pt")
    torch.save({"ema": second.state_dict()}, tmp_path / "second.pt")
    file = average_weights([tmp_path / "first.pt", tmp_path / "second.pt"], tmp_path / "mean.pt")
    mean = load_weights(make_network(), file)
    for ours, theirs in zip(mean.parameters(), first.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs + 0.5)
    assert mean.diagnosis_temperature == 2.0
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(BundleError, match="do not fit"):
        average_weights([tmp_path / "other.pt", tmp_path / "first.pt"], file)
