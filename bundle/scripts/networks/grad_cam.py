"""The response map of the paper: Grad-CAM of the image-text matching score, instead of token-text similarity."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .semantic_prompter import SemanticPrompter


class GradCamPrompter(SemanticPrompter):
    """A prompter that responds where the matching score would rise (Selvaraju et al., 2017, on the embedding E).

    The same parameters as :class:`SemanticPrompter`, so the same weights load. For inference alone: it needs a backward
    pass for each image, teaches nothing, is coarser (S/16, interpolated), and cannot be exported. MONAI's ``GradCAM``
    hooks a whole network and takes images; this stands where the prompter does.
    """

    def forward(self, embedding: Tensor, skip8: Tensor, position: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`SemanticPrompter.forward`; the map's maximum is the matching probability."""
        if self.training:
            raise ValueError("A Grad-CAM prompter teaches nothing; train with SemanticPrompter, the same weights load.")
        # In single precision: the gradient of a mean over a map underflows in half.
        with torch.enable_grad(), torch.autocast(embedding.device.type, enabled=False):
            features = embedding.detach().float().requires_grad_()
            _, match = super().forward(features, skip8.detach().float(), position, text)
            (gradient,) = torch.autograd.grad(match.sum(), features)
        importance = gradient.mean(dim=(2, 3), keepdim=True)
        cam = F.relu((importance * features.detach()).sum(dim=1, keepdim=True))
        cam = F.interpolate(cam, size=skip8.shape[2:], mode="bilinear", align_corners=False)
        peak = cam.amax(dim=(2, 3), keepdim=True).clamp(min=1e-6)
        probability = torch.sigmoid(match.detach()).reshape(-1, 1, 1, 1)
        return torch.logit(cam / peak * probability, eps=1e-4), match.detach()
