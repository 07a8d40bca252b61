"""A causal language model and its tokenizer, as the closed loop uses them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from scripts.errors import BundleError

#: The token whose last hidden state becomes a prompt of the mask decoder.
SEG = "<SEG>"


class LanguageModel(nn.Module):
    """Embeddings in, hidden states out; text at both ends.

    Args:
        model: a causal model of ``transformers``, with room for every token.
        tokenizer: its tokenizer, which knows ``<SEG>``.
        question_format: how a question is put to it; ``{question}`` stands for the question.
        longest: tokens that a question and its answer may have together.
        name: of the model, for messages.
    """

    def __init__(
        self, model: Any, tokenizer: Any, question_format: str = "{question}", longest: int = 256, name: str = ""
    ) -> None:
        super().__init__()
        self.model, self.tokenizer, self.name = model, tokenizer, name
        self.question_format, self.longest = question_format, longest
        self.seg = int(tokenizer.convert_tokens_to_ids(SEG))
        self.end = tokenizer.eos_token_id
        if self.end is None:
            raise BundleError(f'The tokenizer of "{name}" names no end of a text (eos_token); name one in its files.')

    @property
    def width(self) -> int:
        """Channels of embeddings and hidden states."""
        return int(self.model.get_input_embeddings().weight.shape[1])

    @property
    def dtype(self) -> torch.dtype:
        """In what the model computes."""
        return self.model.get_input_embeddings().weight.dtype

    def tokenizer_digest(self) -> str:
        """SHA-256 of what the tokenizer makes of texts, hexadecimal."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        # Truncation and padding are set by whoever used the tokenizer last.
        content = json.loads(backend.to_str()) if backend is not None else self.tokenizer.get_vocab()
        content = {key: value for key, value in content.items() if key not in ("truncation", "padding")}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def encode_question(self, question: str) -> list[int]:
        """Token ids of a question as it is put to the model.

        Raises:
            BundleError: it has more tokens than the model may read.
        """
        ids = list(self.tokenizer(self.question_format.format(question=question))["input_ids"])
        if len(ids) > self.longest // 2:
            raise BundleError(
                f'The question "{question[:60]}..." has {len(ids)} tokens, but the language model reads '
                f"{self.longest // 2}; shorten it."
            )
        return ids

    def encode_answer(self, answer: str) -> list[int]:
        """Token ids of an answer, its end included.

        Raises:
            BundleError: it has more tokens than the model may write.
        """
        ids = [*self.tokenizer(answer, add_special_tokens=False)["input_ids"], self.end]
        if len(ids) > self.longest:
            raise BundleError(
                f'The answer "{answer[:60]}..." has {len(ids)} tokens, but the language model writes '
                f"{self.longest}; raise --longest_text."
            )
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, ``<SEG>`` included, without the end."""
        kept = [index for index in ids if index != self.end]
        return self.tokenizer.decode(kept, skip_special_tokens=False, clean_up_tokenization_spaces=False).strip()

    def embed(self, ids: Tensor) -> Tensor:
        """Embeddings of token ids (B, L), shape (B, L, width)."""
        return self.model.get_input_embeddings()(ids)

    def forward(self, embedded: Tensor, mask: Tensor, positions: Tensor, cache: Any = None) -> Tensor:
        """Last hidden states.

        Args:
            embedded: shape (B, L, width).
            mask: additive, shape (B, 1, L, L plus what the cache holds).
            positions: shape (B, L).
            cache: keys and values of the tokens before, which is extended; None keeps none.

        Returns:
            shape (B, L, width), float32.
        """
        outputs = self.model.get_decoder()(
            inputs_embeds=embedded.to(self.dtype),
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=cache is not None,
        )
        return outputs.last_hidden_state.float()

    def token_logits(self, hidden: Tensor) -> Tensor:
        """Logits of the next token from hidden states (..., width), shape (..., vocabulary)."""
        return self.model.get_output_embeddings()(hidden.to(self.dtype)).float()
