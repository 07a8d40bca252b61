"""Text towers through open_clip: a small one of our own, CLIP, BiomedCLIP, or any other by name, hub id or folder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.errors import BundleError

#: The built-in tower: CLIP's byte-pair vocabulary, small enough to train from scratch, nothing to download.
SMALL = dict(context_length=77, vocab_size=49408, width=64, heads=4, layers=3)


class TextTower(nn.Module):
    """Texts -> unit embeddings f of 256 channels.

    Args:
        name: ``small``; an open_clip model name (``ViT-B-32``); ``hf-hub:<organisation>/<model>``, such as
            ``hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224``; or ``local-dir:<folder>`` with
            ``open_clip_config.json`` and weights.
        pretrained: open_clip's tag of pretrained weights, or a checkpoint's path; for a model name only.
        frozen: keep the tower as it is and train the projection alone.
        dim: channels of the embedding.

    Raises:
        BundleError: if open_clip knows no such model or cannot load it.
    """

    def __init__(
        self, name: str = "small", pretrained: str | None = None, frozen: bool = False, dim: int = 256
    ) -> None:
        super().__init__()
        # Imported here: inference uses no text tower and should not wait for one.
        import open_clip
        from open_clip.model import CLIPTextCfg, _build_text_tower

        self.name, self.frozen = name, frozen
        if name == "small":
            self.tower = _build_text_tower(dim, CLIPTextCfg(**SMALL))
            self.tokenizer = open_clip.SimpleTokenizer(context_length=SMALL["context_length"])
            width = dim
        else:
            try:
                model = open_clip.create_model(name, pretrained=pretrained, force_custom_text=True)
                self.tokenizer = open_clip.get_tokenizer(name)
            except Exception as error:  # open_clip raises RuntimeError, OSError, KeyError ... as the hub does
                reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
                raise BundleError(
                    f'The text tower "{name}" cannot be loaded ({reason}); give "small", an open_clip '
                    "model name, hf-hub:<id> while the hub can be reached, or local-dir:<folder>."
                ) from error
            self.tower = model.text
            with torch.no_grad():
                width = self.tower(self.tokenizer(["lesion"])).shape[-1]
        self.tower.requires_grad_(not frozen)
        self.projection = nn.Linear(width, dim)

    def vocabulary(self) -> list[str]:
        """The whole words that the tokenizer knows as one token."""
        if hasattr(self.tokenizer, "encoder"):
            return [token.removesuffix("</w>") for token in self.tokenizer.encoder if token.endswith("</w>")]
        return [token for token in self.tokenizer.tokenizer.get_vocab() if token.isalpha()]

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Token ids, shape (N, context).

        Raises:
            BundleError: if a text is longer than the tower's context, which open_clip would cut silently.
        """
        tokens = self.tokenizer(list(texts))
        context = tokens.shape[1]
        for text in texts:
            length = self._length(text)
            if length > context:
                raise BundleError(
                    f'The text "{text[:60]}..." has {length} tokens, but the tower "{self.name}" reads '
                    f"{context}; shorten it."
                )
        return tokens

    def _length(self, text: str) -> int:
        """Tokens of a text, start and end included."""
        if hasattr(self.tokenizer, "encode"):
            return len(self.tokenizer.encode(text)) + 2
        return len(self.tokenizer.tokenizer(text)["input_ids"])

    def train(self, mode: bool = True) -> TextTower:
        """A frozen tower stays in evaluation: its dropout would make its embeddings noisy."""
        super().train(mode)
        if self.frozen:
            self.tower.eval()
        return self

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Embed texts.

        Args:
            texts: N sentences.

        Returns:
            Unit embeddings, shape (N, 256).
        """
        tokens = self.tokenize(texts).to(self.projection.weight.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            features = self.tower(tokens)
        return F.normalize(self.projection(features), dim=-1)

    @torch.no_grad()
    def embed(self, text: str) -> Tensor:
        """The embedding of one text, shape (256); what a checkpoint keeps of the fixed prompt."""
        training = self.training
        embedding = self.eval()([text])[0]
        self.train(training)
        return embedding
