"""Language in a closed loop (RCMed, arXiv 2505.03380): the image enters the language model, which guides the mask."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.errors import BundleError

from .encoders.blocks import EMBEDDING_CHANNELS, standardize
from .language.attention import ORDERS, attention_mask, position_ids
from .language.model import LanguageModel
from .language.sequences import gather, last, padded
from .rad_vlsm import RadVLSM

#: What flows where. ``one_way``: language to image, the language model sees no image. ``both_ways``: image tokens enter
#: the language model, ``<SEG>`` prompts the decoder. ``full``: the hidden states of the image tokens are also added to
#: the image embedding.
LOOPS = ("one_way", "both_ways", "full")
#: What the image encoder gives, by name.
FEATURES = ("embedding", "skip8", "skip4", "detail")


class Answer(NamedTuple):
    """What the network says of one image: the text with its ``<SEG>``, and a mask (T, S, S), logits, for each."""

    text: str
    masks: Tensor


class ClosedLoop(nn.Module):
    """Image tokens and question -> answer; each ``<SEG>`` of the answer -> a mask.

    Args:
        base: Rad-VLSM with its weights. Its image encoder is used as it is; decoder and refiner begin with its weights.
        language: the language model.
        loop: one of ``LOOPS``.
        order: one of ``scripts.networks.language.ORDERS``.
        patch: an image token is of so many by so many cells of the embedding.
        dropout: share of what an image token is made of that training leaves out: a frozen encoder's features are the
            same in every epoch, and could be learned by heart.
        drawn_share: training draws this share of the masks, chosen anew each time: the decoder, which begins trained,
            costs as much as the language model, which begins at random.
    """

    base_digest: Tensor
    tokenizer_digest: Tensor

    def __init__(
        self,
        base: RadVLSM,
        language: LanguageModel,
        loop: str = "full",
        order: str = "prefix",
        patch: int = 2,
        dropout: float = 0.0,
        drawn_share: float = 1.0,
    ) -> None:
        super().__init__()
        for what, value, known in (("loop", loop, LOOPS), ("order", order, ORDERS)):
            if value not in known:
                raise BundleError(f'The {what} "{value}" is unknown; choose one of {", ".join(known)}.')
        self.base = base.requires_grad_(False).eval()  # before the first call of train(), too: it may encode earlier
        self.language, self.loop, self.order, self.patch = language, loop, order, patch
        self.dropout, self.drawn_share = nn.Dropout(dropout), drawn_share
        width, cells = language.width, EMBEDDING_CHANNELS * patch * patch
        self.to_language = nn.Sequential(nn.Linear(cells, width), nn.GELU(), nn.Linear(width, width))
        self.to_prompt = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, EMBEDDING_CHANNELS))
        self.to_image = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, EMBEDDING_CHANNELS))
        # What is added begins at nothing: the loop begins with the embedding that the decoder knows.
        nn.init.zeros_(self.to_image[2].weight)
        nn.init.zeros_(self.to_image[2].bias)
        self.no_mask = nn.Parameter(torch.zeros(EMBEDDING_CHANNELS))
        self.mask_decoder = copy.deepcopy(base.mask_decoder).requires_grad_(True)
        self.mask_refiner = copy.deepcopy(base.mask_refiner).requires_grad_(True)
        # Which default weights and which tokenizer this was trained with, as bytes of SHA-256.
        self.register_buffer("base_digest", torch.zeros(32, dtype=torch.uint8))
        self.register_buffer("tokenizer_digest", _as_bytes(language.tokenizer_digest()))

    def train(self, mode: bool = True) -> ClosedLoop:
        """The default network stays as it is, its statistics too."""
        super().train(mode)
        self.base.eval()
        return self

    @torch.no_grad()
    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """Features of images (B, 3, S, S) in [0, 1], by the names of ``FEATURES``."""
        return dict(zip(FEATURES, self.base.image_encoder(standardize(image)), strict=True))

    def forward(self, image: Tensor | Mapping[str, Tensor], questions: Sequence[str], answers: Sequence[str]) -> dict:
        """One pass over question and true answer, for training.

        Args:
            image: (B, 3, S, S) in [0, 1], or the features of :meth:`encode`.
            questions: B texts.
            answers: B texts with a ``<SEG>`` for each lesion meant.

        Returns:
            ``token_logits`` (N, V) and ``tokens`` (N), of all tokens of the answers, ``first`` (N), which of them begin
            one; ``drawn`` (B, T), which ``<SEG>`` of each answer are drawn, T the most that one has; ``mask_logits``
            (M, S, S), of those, in order.
        """
        features = self._features(image)
        embedded, valid, prefix = self._prefix(features, questions)
        ids, told = padded([self.language.encode_answer(answer) for answer in answers], valid.device)
        embedded = torch.cat([embedded, self.language.embed(ids)], dim=1)
        valid = torch.cat([valid, told], dim=1)
        mask = attention_mask(valid, prefix, self.order, self.language.dtype)
        hidden = self.language(embedded, mask, position_ids(valid))

        # What stands before a token predicts it: the last of the question the first of the answer.
        before = torch.cat([last(hidden[:, :prefix], valid[:, :prefix]), hidden[:, prefix:-1]], dim=1)
        segs = (ids == self.language.seg) & told
        prompts, drawn = gather(hidden[:, prefix:], segs)
        if self.training and self.drawn_share < 1:
            drawn = drawn & (torch.rand(drawn.shape, device=drawn.device) < self.drawn_share)
        return {
            "token_logits": self.language.token_logits(before[told]),
            "tokens": ids[told],
            "first": (torch.arange(told.shape[1], device=told.device) == 0).expand_as(told)[told],
            "mask_logits": self._draw(features, hidden[:, :prefix], prompts, drawn),
            "drawn": drawn,
        }

    @torch.no_grad()
    def answer(
        self, image: Tensor | Mapping[str, Tensor], questions: Sequence[str], longest: int = 200
    ) -> list[Answer]:
        """Answer questions, the likeliest token at a time.

        Args:
            image: as in :meth:`forward`.
            questions: B texts.
            longest: tokens of an answer.

        Returns:
            An answer for each image.
        """
        from transformers import DynamicCache

        features, cache = self._features(image), DynamicCache()
        embedded, valid, prefix = self._prefix(features, questions)
        mask = attention_mask(valid, prefix, self.order, self.language.dtype)
        first = self.language(embedded, mask, position_ids(valid), cache)
        hidden, place = last(first, valid), valid.sum(dim=1, keepdim=True)
        written: list[Tensor] = []
        states: list[Tensor] = []
        ended = torch.zeros_like(place, dtype=torch.bool)
        for _ in range(longest):
            token = self.language.token_logits(hidden)[:, -1].argmax(dim=-1, keepdim=True)
            token = token.masked_fill(ended, self.language.end)
            ended = ended | (token == self.language.end)
            valid = torch.cat([valid, torch.ones_like(ended)], dim=1)
            seen = torch.zeros(valid.shape, dtype=self.language.dtype, device=valid.device)
            seen = seen.masked_fill(~valid, torch.finfo(seen.dtype).min)[:, None, None, :]
            hidden = self.language(self.language.embed(token), seen, place, cache)
            written.append(token)
            states.append(hidden)
            place = place + 1
            if bool(ended.all()):
                break
        ids = torch.cat(written, dim=1)
        prompts, drawn = gather(torch.cat(states, dim=1), ids == self.language.seg)
        masks = self._draw(features, first[:, :prefix], prompts, drawn).cpu()
        each = masks.split(drawn.sum(dim=1).tolist())
        return [Answer(self.language.decode(row.tolist()), own) for row, own in zip(ids, each, strict=True)]

    def loop_state(self) -> dict[str, Tensor]:
        """What a checkpoint of the loop holds: what was trained, and the digests; neither the default network nor the
        frozen part of a language model."""
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        kept = trained | {"base_digest", "tokenizer_digest"}
        kept |= {name for name, _ in self.named_buffers() if name.startswith(("mask_decoder.", "mask_refiner."))}
        return {name: value for name, value in self.state_dict().items() if name in kept}

    def _features(self, image: Tensor | Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if isinstance(image, Tensor):
            return self.encode(image)
        return {name: values.to(self.no_mask.dtype) for name, values in image.items()}

    def _prefix(self, features: Mapping[str, Tensor], questions: Sequence[str]) -> tuple[Tensor, Tensor, int]:
        """Embeddings of image and question (B, P, width), which of them are no padding (B, P), and P."""
        ids, valid = padded([self.language.encode_question(question) for question in questions], self.no_mask.device)
        embedded = self.language.embed(ids)
        if self.loop != "one_way":
            tokens = self.to_language(self.dropout(self._patches(features["embedding"]))).to(embedded.dtype)
            embedded = torch.cat([tokens, embedded], dim=1)
            valid = torch.cat([valid.new_ones(tokens.shape[:2]), valid], dim=1)
        return embedded, valid, embedded.shape[1]

    def _patches(self, embedding: Tensor) -> Tensor:
        """Cells of the embedding with their places, joined to tokens, shape (B, tokens, 256 * patch * patch)."""
        placed = embedding + self._position(embedding)
        return F.unfold(placed, self.patch, stride=self.patch).transpose(1, 2)

    def _position(self, embedding: Tensor) -> Tensor:
        return self.base.prompt_encoder.pe_layer.grid(embedding.shape[2], embedding.shape[3])

    def _draw(self, features: Mapping[str, Tensor], hidden: Tensor, prompts: Tensor, drawn: Tensor) -> Tensor:
        """Masks (N, S, S), logits, of those ``<SEG>`` (B, T) that exist, in the order of images and answers.

        Args:
            features: of :meth:`encode`.
            hidden: of image and question, shape (B, P, width).
            prompts: hidden states of ``<SEG>``, shape (B, T, width).
            drawn: which of them exist, shape (B, T).
        """
        embedding, position = features["embedding"], self._position(features["embedding"])
        side = 2 * features["detail"].shape[-1]
        if not bool(drawn.any()):
            return embedding.new_zeros(0, side, side)
        if self.loop == "full":
            rows, columns = (length // self.patch for length in embedding.shape[2:])
            back = self.to_image(hidden[:, : rows * columns]).transpose(1, 2).unflatten(2, (rows, columns))
            embedding = embedding + F.interpolate(back, embedding.shape[2:], mode="bilinear", align_corners=False)
        image = torch.nonzero(drawn)[:, 0]
        embedding, sparse = embedding[image], self.to_prompt(prompts[drawn]).unsqueeze(1)
        dense = self.no_mask.view(1, -1, 1, 1).expand_as(embedding)
        skips = (features["skip8"][image], features["skip4"][image])
        masks, _, _ = self.mask_decoder(embedding, position, sparse, dense, skips)
        refined = self.mask_refiner(masks, features["detail"][image])
        return F.interpolate(refined, size=[side, side], mode="bilinear", align_corners=False)[:, 0]


def _as_bytes(digest: str) -> Tensor:
    return torch.tensor(list(bytes.fromhex(digest)), dtype=torch.uint8)
