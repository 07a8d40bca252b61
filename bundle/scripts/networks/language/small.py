"""The small language model of the bundle: a tokenizer of its own words and a decoder of a few million weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .loading import _package
from .model import SEG

#: Of `transformers.LlamaConfig`.
SMALL = dict(
    hidden_size=192,
    intermediate_size=512,
    num_hidden_layers=4,
    num_attention_heads=4,
    num_key_value_heads=4,
    max_position_embeddings=512,
    tie_word_embeddings=True,
)


def write_small_model(texts: Iterable[str], folder: str | Path, vocabulary: int = 768) -> Path:
    """Train a byte-pair tokenizer on texts, and write it with the configuration of the decoder, without weights.

    Args:
        texts: the sentences to be read and written.
        folder: made if it does not exist.
        vocabulary: tokens at most; every byte is one, so that any text can be read.

    Returns:
        The folder, which ``load_language_model`` takes.

    Raises:
        BundleError: `transformers` is missing.
    """
    transformers = _package("transformers", "A language model")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<pad>", "</s>", SEG],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>", clean_up_tokenization_spaces=False
    )
    fast.add_tokens([SEG], special_tokens=True)
    folder = Path(folder)
    fast.save_pretrained(folder)
    config = transformers.LlamaConfig(
        vocab_size=len(fast), bos_token_id=None, eos_token_id=fast.eos_token_id, pad_token_id=fast.pad_token_id, **SMALL
    )
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(folder)
    return folder
