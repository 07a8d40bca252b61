"""Where to look: image tokens and one fixed text meet, and leave a response map."""


import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .encoders.blocks import EMBEDDING_CHANNELS, SKIP_CHANNELS, Fuse
from .two_way_transformer import TwoWayTransformer


class SemanticPrompter(nn.Module):
    """Vision-language alignment in the manner of BLIP-2, closed in both directions.

    Learned queries and the text's embedding attend to the image tokens, and the image attends back (the closed
    vision-language loop of RCMed, with text and image seeing each other). The response is the similarity of each
    refined image token with the text.

    Args:
        num_queries: learned queries M.
        depth: two-way transformer layers.
        mlp_dim: hidden width of their MLPs.
        dim: channels of tokens, queries and text embedding.
    """

    def __init__(
        self, num_queries: int = 8, depth: int = 1, mlp_dim: int = 256, dim: int = EMBEDDING_CHANNELS
    ) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(num_queries, dim) * 0.02)
        self.text_token = nn.Linear(dim, dim)
        self.transformer = TwoWayTransformer(depth, dim, 8, mlp_dim)
        # One image comes with no text, its own, another's: no batch statistics fit them all.
        self.refine = Fuse(dim, SKIP_CHANNELS[0], SKIP_CHANNELS[0], groups=8)
        self.token_projection = nn.Conv2d(SKIP_CHANNELS[0], dim, 1)
        self.query_projection = nn.Linear(dim, dim)
        self.matching = nn.Linear(dim, 1)
        # Similarity is a cosine; its scale and offset are learned, as in SigLIP. A lesion covers about a tenth.
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.offset = nn.Parameter(torch.tensor(-2.0))

    def attend(
        self, embedding: Tensor, skip8: Tensor, position: Tensor, tokens: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, L, 256) and image meet -> tokens (B, L, 256) and unit image tokens (B, 256, 2h, 2w)."""
        batch, channels, height, width = embedding.shape
        tokens, image = self.transformer(embedding, position.unsqueeze(0), tokens)
        image = image.transpose(1, 2).reshape(batch, channels, height, width)
        return tokens, F.normalize(self.token_projection(self.refine(image, skip8)), dim=1)

    def describe(self, embedding: Tensor, skip8: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """What the image says by itself: no text is seen, so it can be compared with any.

        Args:
            embedding, skip8, position: as in :meth:`forward`.

        Returns:
            unit image tokens (B, 256, 2h, 2w); unit queries (B, M, 256).
        """
        queries = self.queries.unsqueeze(0).expand(embedding.shape[0], -1, -1)
        queries, visual = self.attend(embedding, skip8, position, queries)
        return visual, F.normalize(self.query_projection(queries), dim=-1)

    def forward(self, embedding: Tensor, skip8: Tensor, position: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Respond to a text.

        Args:
            embedding: image embedding E, shape (B, 256, h, w).
            skip8: finer features, shape (B, 64, 2h, 2w).
            position: position encoding of E, shape (256, h, w).
            text: text embedding f, shape (256) or, one per image, (B, 256).

        Returns:
            response logits (B, 1, 2h, 2w); image-text matching logit (B, 1): does the image show what the text says.
        """
        batch, channels = embedding.shape[0], embedding.shape[1]
        f = F.normalize(text.reshape(-1, channels).expand(batch, -1), dim=-1)
        queries = self.queries.unsqueeze(0).expand(batch, -1, -1)
        tokens = torch.cat([self.text_token(f).unsqueeze(1), queries], dim=1)
        tokens, visual = self.attend(embedding, skip8, position, tokens)
        logits = self.scale * torch.einsum("bchw,bc->bhw", visual, f).unsqueeze(1) + self.offset
        return logits, self.matching(tokens[:, 0])
