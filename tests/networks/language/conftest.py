"""Tiny random checkpoints of two real architectures, and a tokenizer, written to disk."""

import pytest
import torch

ARCHITECTURES = ("Llama", "Qwen2")


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory):
    """``folder_of("Llama")``: a folder with configuration, tokenizer and weights of that architecture."""
    transformers = pytest.importorskip("transformers", reason="needs requirements-language.txt")
    from scripts.networks.language import write_small_model
    from scripts.semantics.lexicons.breast_ultrasound import make_lexicon
    from scripts.semantics.questions import training_texts

    made = {}

    def make(architecture):
        if architecture not in made:
            folder = tmp_path_factory.mktemp(architecture)
            write_small_model(training_texts(make_lexicon())[::7], folder, 400)
            size = transformers.AutoConfig.from_pretrained(folder).vocab_size
            config = getattr(transformers, f"{architecture}Config")(
                vocab_size=size + 8,  # published models have room for more tokens than they use
                hidden_size=32,
                intermediate_size=48,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=512,
                tie_word_embeddings=architecture == "Qwen2",
            )
            torch.manual_seed(0)
            transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
            made[architecture] = folder
        return made[architecture]

    return make
