"""Language models of two real architectures, whole and with adapters."""

import shutil

import pytest
import torch

from scripts.errors import BundleError
from scripts.networks.language import SEG, attention_mask, load_language_model, position_ids

ARCHITECTURES = ("Llama", "Qwen2")


def trainable(model):
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_adapters_and_the_new_token_learn_and_nothing_else(folder_of, architecture):
    model = load_language_model(str(folder_of(architecture)), lora_rank=2, gradient_checkpointing=True).train()
    names = trainable(model)
    assert all("lora_" in name or "token" in name for name in names)
    layers = {name.split(".lora_")[0].rpartition(".")[2] for name in names if "lora_" in name}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj"}
    ids = torch.tensor([[5, 6, model.seg, 7]])
    valid = torch.ones_like(ids, dtype=torch.bool)
    hidden = model(model.embed(ids), attention_mask(valid, 2, "prefix"), position_ids(valid))
    model.token_logits(hidden)[..., model.seg].sum().backward()
    learned = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert any("lora_B" in name for name in learned) and any("trainable_tokens" in name for name in learned)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_in_bfloat16_keeps_adapters_in_float32(folder_of, architecture):
    model = load_language_model(str(folder_of(architecture)), lora_rank=2, dtype="bfloat16")
    kinds = {parameter.dtype for name, parameter in model.named_parameters() if "lora_" in name}
    assert model.dtype == torch.bfloat16 and kinds == {torch.float32}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("order", ("causal", "prefix"))
def test_the_image_knows_the_question_only_in_a_prefix(folder_of, architecture, order):
    """The first two tokens are the image's; the third is the question's, the fourth the answer's."""
    model = load_language_model(str(folder_of(architecture))).eval()
    valid = torch.ones(2, 4, dtype=torch.bool)
    ids = torch.tensor([[5, 6, 7, 8], [5, 6, 9, 8]])
    mask = attention_mask(valid, 3, order, model.dtype)
    with torch.no_grad():
        hidden = model(model.embed(ids), mask, position_ids(valid))
    knows = not torch.allclose(hidden[0, :2], hidden[1, :2], atol=1e-6)
    assert knows == (order == "prefix")
    ids = torch.tensor([[5, 6, 7, 8], [5, 6, 7, 10]])
    with torch.no_grad():
        hidden = model(model.embed(ids), mask, position_ids(valid))
    assert torch.allclose(hidden[0, :3], hidden[1, :3], atol=1e-6), "nothing before the answer knows it"


def test_an_answer_is_read_back_as_it_was_written(folder_of):
    model = load_language_model(str(folder_of("Llama")))
    text = f"A small, oval, parallel lesion with circumscribed margin. {SEG} There is no lesion."
    assert model.decode(model.encode_answer(text)) == text
    assert model.encode_answer(text).count(model.seg) == 1


def test_what_is_missing_is_said_in_one_sentence(folder_of, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(folder_of("Llama"), bare, ignore=shutil.ignore_patterns("tokenizer*"))
    with pytest.raises(BundleError, match="lacks the files of its tokenizer; copy them"):
        load_language_model(str(bare))
    with pytest.raises(BundleError, match=r"(model|tokenizer of) \"gone/away\" cannot be loaded"):
        load_language_model("gone/away")
    with pytest.raises(BundleError, match="has none of the layers wide_proj; name others with --lora_targets"):
        load_language_model(str(folder_of("Llama")), lora_rank=2, lora_targets=["wide_proj"])
    with pytest.raises(BundleError, match='cannot compute in "int3"; choose float32 or bfloat16'):
        load_language_model(str(folder_of("Llama")), dtype="int3")
    with pytest.raises(BundleError, match="tokens, but the language model reads 128; shorten it"):
        load_language_model(str(folder_of("Llama"))).encode_question("lesion " * 300)
