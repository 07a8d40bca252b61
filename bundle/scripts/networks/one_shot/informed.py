"""A network that is shown what to look for: its response map comes from references, and so does its evidence."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .features import observe, own_threshold
from .otfa import AdaptedEncoder, AdaptedRefiner
from .reference import Reference

#: Ours, and the baseline.
RECIPES = ("discriminant", "rcmed")


class ObservedEncoder(nn.Module):
    """An image encoder that keeps the features which a reference is compared by.

    Args:
        encoder: of the network.
        reference: digest of the reference; results made with another one differ.
    """

    def __init__(self, encoder: nn.Module, reference: str) -> None:
        super().__init__()
        self.encoder, self.reference = encoder, reference
        self._kept: list[Tensor] = []

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As the encoder's; shape (B, 3, S, S) in."""
        maps, self._kept[:] = observe(self.encoder, image)
        return maps

    def features(self) -> list[Tensor]:
        """Of the images that were encoded last: maps (B, C, S/8, S/8)."""
        return self._kept


class ReferencePrompter(nn.Module):
    """A semantic prompter that responds where the image looks like the lesions of the references.

    Args:
        prompter: of the network; what the text says is one more feature.
        encoder: the network's, observed.
        weights, bias: of the discriminant, see :class:`Reference`.
    """

    weights: Tensor
    bias: Tensor

    def __init__(self, prompter: nn.Module, encoder: ObservedEncoder, weights: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.prompter, self.encoder = prompter, encoder
        self.register_buffer("weights", weights)
        self.register_buffer("bias", bias)
        self._kept: list[Tensor] = []

    def forward(self, embedding: Tensor, skip8: Tensor, position: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """As the prompter's; the matching logit is the evidence of :func:`peak_evidence`."""
        told, _ = self.prompter(embedding, skip8, position, text)
        features = torch.cat([*self.encoder.features(), told], dim=1)
        response = torch.einsum("bdhw,d->bhw", features, self.weights).unsqueeze(1) + self.bias
        # Half of the threshold is the references', half the image's own.
        response = response - own_threshold(response) / 2
        self._kept[:] = [response]
        return response, peak_evidence(response)

    def response(self) -> Tensor:
        """Logits of the images that came last, shape (B, 1, S/8, S/8)."""
        return self._kept[0]


class ReferenceGate(nn.Module):
    """An evidence gate that believes the references' response; the mask's expected IoU stays the network's.

    Args:
        gate: of the network.
    """

    def __init__(self, gate: nn.Module) -> None:
        super().__init__()
        self.gate = gate

    def forward(
        self,
        embedding: Tensor,
        response: Tensor,
        scores: Tensor,
        semantic: Tensor,
        consistency: Tensor,
        masks: Tensor,
        fused: Tensor,
        weights: Tensor,
        valid: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """As the gate's: evidence logit and expected IoU, each (B, 1)."""
        _, iou = self.gate(embedding, response, scores, semantic, consistency, masks, fused, weights, valid)
        return peak_evidence(torch.logit(response, eps=1e-6)), iou


class ReferenceRefiner(nn.Module):
    """A mask refiner that adds the response: what is outlined looks like the lesions of training, or like a reference.

    Args:
        refiner: of the network.
        prompter: the network's, of the references.
        share: of the refined logits, 0..1; the rest is the response.
    """

    def __init__(self, refiner: nn.Module, prompter: ReferencePrompter, share: float) -> None:
        super().__init__()
        self.refiner, self.prompter, self.share = refiner, prompter, share

    def forward(self, fused: Tensor, detail: Tensor) -> Tensor:
        """As the refiner's: mask logits (B, 1, S/2, S/2)."""
        outlined = self.refiner(fused, detail)
        size = outlined.shape[-2:]
        response = F.interpolate(self.prompter.response(), size=size, mode="bilinear", align_corners=False)
        return self.share * outlined + (1 - self.share) * response


def peak_evidence(response: Tensor) -> Tensor:
    """Is there a place that looks more like a lesion than like its surroundings: the highest mean of 3 x 3 cells.

    Args:
        response: logits, shape (B, 1, h, w).

    Returns:
        Shape (B, 1); a lesion is found above 0.
    """
    return F.avg_pool2d(response, 3, 1, 1).amax(dim=(2, 3))


def show_reference(network: nn.Module, reference: Reference, recipe: str = "discriminant", share: float = 0.5) -> None:
    """Make a network look for what references show.

    What was fitted to the network's own kind of images, such as thresholds and the limits of what it knows, is
    forgotten.

    Args:
        network: a :class:`scripts.networks.RadVLSM`, weights loaded.
        reference: of the same weights.
        recipe: one of ``RECIPES``.
        share: of the network's own outline with one reference, 0..1; the more there are, the more they are believed:
            it is divided by their number. See :class:`ReferenceRefiner`.
    """
    device = network.prompt_embedding.device
    network.forget_calibration()
    if recipe == "rcmed":
        moments = reference.moments.to(device)
        network.image_encoder = AdaptedEncoder(network.image_encoder, reference.prototype.to(device), moments)
        network.mask_refiner = AdaptedRefiner(network.mask_refiner, moments)
        return
    encoder = ObservedEncoder(network.image_encoder, reference.digest)
    prompter = ReferencePrompter(
        network.semantic_prompter, encoder, reference.weights.to(device), reference.bias.to(device)
    )
    network.image_encoder, network.semantic_prompter = encoder, prompter
    network.evidence_gate = ReferenceGate(network.evidence_gate)
    network.mask_refiner = ReferenceRefiner(network.mask_refiner, prompter, share / reference.images)
