"""Stage 1: image and words in one space. What it learns of the image, stage 2 starts from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .encoders.blocks import standardize
from .prompt_encoder import PromptEncoder
from .semantic_prompter import SemanticPrompter
from .text_tower import TextTower

#: Parts that the checkpoint of stage 1 shares with :class:`RadVLSM`, by the same names.
SHARED = ("image_encoder.", "semantic_prompter.", "prompt_encoder.pe_layer.")


class Alignment(nn.Module):
    """Vision-language alignment in the manner of BLIP-2 (Rad-VLSM's first stage).

    The image is described without having seen a text (queries and image tokens, for the contrastive and region
    terms), and responds to texts it has seen (for matching and localisation).

    Args:
        image_encoder: as in :class:`RadVLSM`.
        semantic_prompter: as in :class:`RadVLSM`.
        prompt_encoder: as in :class:`RadVLSM`; only its position encoding is used.
        text_tower: texts -> unit embeddings (N, 256).
        temperature: of contrastive similarities at the start; learned.
    """

    def __init__(
        self,
        image_encoder: nn.Module,
        semantic_prompter: SemanticPrompter,
        prompt_encoder: PromptEncoder,
        text_tower: TextTower,
        temperature: float = 0.07,
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.semantic_prompter = semantic_prompter
        self.prompt_encoder = prompt_encoder
        self.text_tower = text_tower
        self.log_temperature = nn.Parameter(torch.tensor(temperature).log())

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """E (B, 256, h, w), skip (B, 64, 2h, 2w) and position encoding (256, h, w) of images (B, 3, S, S)."""
        embedding, skip8, _, _ = self.image_encoder(standardize(image))
        return embedding, skip8, self.prompt_encoder.pe_layer.grid(embedding.shape[2], embedding.shape[3])

    def forward(
        self, image: Tensor, texts: Sequence[str], prompts: Sequence[str], terms: Sequence[str] = ()
    ) -> dict[str, Tensor]:
        """Align a batch.

        Args:
            image: values in [0, 1], shape (B, 3, S, S).
            texts: the description of each image.
            prompts: what each image is asked for.
            terms: N further texts to embed, such as single terms of the lexicon.

        Returns:
            ``visual`` unit image tokens (B, 256, S/8, S/8); ``queries`` unit (B, M, 256); ``text`` and ``prompt``
            embeddings (B, 256); ``terms`` (N, 256); ``similarity`` of every image with every text (B, B), the best
            query counting; ``temperature``; ``own_logits`` and ``prompt_logits``, responses to both (B, 1, S/8, S/8);
            matching logits ``own_match``, ``prompt_match`` and ``other_match`` (B, 1), the last against another
            image's text, ``other`` (B) says whose.
        """
        count = len(texts)
        embedded = self.text_tower([*texts, *prompts, *terms])
        text, prompt, term = embedded[:count], embedded[count : 2 * count], embedded[2 * count :]

        embedding, skip8, position = self.encode(image)
        visual, queries = self.semantic_prompter.describe(embedding, skip8, position)
        similarity = torch.einsum("bmc,nc->bmn", queries, text).amax(dim=1)
        temperature = self.log_temperature.exp().clamp(0.01, 1.0)
        other = self._hard_negatives(similarity / temperature, texts)

        asked = torch.cat([text, prompt, text[other]])
        logits, match = self.semantic_prompter(embedding.repeat(3, 1, 1, 1), skip8.repeat(3, 1, 1, 1), position, asked)
        own_logits, prompt_logits, _ = logits.split(count)
        own_match, prompt_match, other_match = match.split(count)
        return {
            "visual": visual,
            "queries": queries,
            "text": text,
            "prompt": prompt,
            "terms": term,
            "similarity": similarity,
            "temperature": temperature,
            "own_logits": own_logits,
            "prompt_logits": prompt_logits,
            "own_match": own_match,
            "prompt_match": prompt_match,
            "other_match": other_match,
            "other": other,
        }

    @staticmethod
    @torch.no_grad()
    def _hard_negatives(logits: Tensor, texts: Sequence[str]) -> Tensor:
        """For each image the index of another text, the more similar the likelier, as in BLIP-2."""
        same = torch.tensor([[a == b for b in texts] for a in texts], device=logits.device)
        chances = torch.softmax(logits.masked_fill(same, float("-inf")), dim=1)
        # Where every text is the same there is no other: its own, which the loss leaves out.
        alone = same.all(dim=1, keepdim=True)
        return torch.multinomial(torch.where(alone, same.to(chances.dtype), chances), 1).squeeze(1)
