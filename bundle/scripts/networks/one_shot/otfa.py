"""One-shot training-free adaptation as RCMed has it (arXiv 2505.03380): the baseline."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .priors import gaussian_map


class AdaptedEncoder(nn.Module):
    """An image encoder whose embedding is raised where it resembles a prototype.

    ``E <- E (1 + gain S)``, S the sigmoid of the cosine of prototype and embedding, standardised over the image; maps
    finer than the embedding are scaled by ``1 + early_gain G``, G the spatial prior.

    Args:
        encoder: of the network.
        prototype: masked mean of the references' embeddings, shape (256).
        moments: of the references' masks, see :func:`scripts.networks.one_shot.priors.mask_moments`, shape (N, 5).
        gain, early_gain: constants of the recipe.
    """

    prototype: Tensor
    moments: Tensor

    def __init__(
        self, encoder: nn.Module, prototype: Tensor, moments: Tensor, gain: float = 0.3, early_gain: float = 0.5
    ) -> None:
        super().__init__()
        self.encoder, self.gain, self.early_gain = encoder, gain, early_gain
        self.register_buffer("prototype", prototype)
        self.register_buffer("moments", moments)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As the encoder's; shape (B, 3, S, S) in."""
        embedding, skip8, skip4, detail = self.encoder(image)
        cosine = torch.einsum("bchw,c->bhw", F.normalize(embedding, dim=1), F.normalize(self.prototype, dim=0))
        mean, deviation = cosine.mean(dim=(1, 2), keepdim=True), cosine.std(dim=(1, 2), keepdim=True)
        similarity = torch.sigmoid((cosine - mean) / deviation.clamp(min=1e-6)).unsqueeze(1)
        return (
            embedding * (1 + self.gain * similarity),
            skip8 * (1 + self.early_gain * gaussian_map(self.moments, skip8.shape[-1])),
            skip4 * (1 + self.early_gain * gaussian_map(self.moments, skip4.shape[-1])),
            detail * (1 + self.early_gain * gaussian_map(self.moments, detail.shape[-1])),
        )


class AdaptedRefiner(nn.Module):
    """A mask refiner to whose logits the spatial prior is added: ``gain mean|logits| G``.

    Args:
        refiner: of the network.
        moments: of the references' masks, shape (N, 5).
        gain: constant of the recipe.
    """

    moments: Tensor

    def __init__(self, refiner: nn.Module, moments: Tensor, gain: float = 0.5) -> None:
        super().__init__()
        self.refiner, self.gain = refiner, gain
        self.register_buffer("moments", moments)

    def forward(self, fused: Tensor, detail: Tensor) -> Tensor:
        """As the refiner's: mask logits (B, 1, S/2, S/2)."""
        logits = self.refiner(fused, detail)
        size = logits.abs().mean(dim=(1, 2, 3), keepdim=True)
        return logits + self.gain * size * gaussian_map(self.moments, logits.shape[-1])
