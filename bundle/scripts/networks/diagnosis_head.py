"""What the lesion is: refined visual features of the lesion, fused late with its radiomics."""

from collections.abc import Sequence

import torch
from monai.networks.blocks import ChannelSELayer, SimpleASPP
from monai.networks.utils import eval_mode
from torch import Tensor, nn

from .boxes import rasterize
from .reliability import fuse_candidates

#: What the diagnosis may look at: the rows of the paper's decision-fusion ablation.
BRANCHES = ("fused", "visual", "lesion", "whole_image", "radiomics")


def masked_mean(features: Tensor, weight: Tensor) -> Tensor:
    """Mean of (B, C, h, w) under a non-negative weight (B, 1, h, w), shape (B, C); zero where the weight is."""
    total = weight.sum(dim=(2, 3))
    return (features * weight).sum(dim=(2, 3)) / total.clamp(min=1e-3)


class DiagnosisHead(nn.Module):
    """Refinement, multi-pooling classifier and late fusion: ``Y = Y_SAM + alpha_ext * Y_rad`` (Rad-VLSM).

    No text enters: with boxes, masks and weights held fixed the logits do not depend on the prompt.

    Args:
        radiomics_dim: number R of radiomic descriptors.
        num_classes: number C of classes; 0 leaves the diagnosis out.
        positive: number of the class whose probability is told.
        alpha_ext: weight of the radiomics logits.
        channels: channels of the image embedding and of region embeddings.
        width: channels after the first projection.
        branches: ``fused`` (the method), ``visual`` (Y_SAM alone), ``lesion`` (Y_SAM from mask and box alone),
            ``whole_image`` (global pooling alone) or ``radiomics`` (Y_rad alone).
        rates: atrous rates. The paper's 1, 6, 12, 18 span SAM's 64 x 64 grid; ours is 10 x 10 at 160 pixels.
        dropout: before the classifiers.

    Raises:
        ValueError: if there are no such branches.
    """

    def __init__(
        self,
        radiomics_dim: int,
        num_classes: int = 2,
        positive: int = 1,
        alpha_ext: float = 1.0,
        branches: str = "fused",
        channels: int = 256,
        width: int = 128,
        rates: Sequence[int] = (1, 2, 3, 5),
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        if branches not in BRANCHES:
            raise ValueError(f"Diagnosis branches {branches!r} are unknown; choose one of {', '.join(BRANCHES)}.")
        self.positive = positive
        self.alpha_ext = alpha_ext
        self.branches = branches
        self.uses_radiomics = branches in ("fused", "radiomics")
        #: Of the radiomics' logits in the diagnosis.
        self.radiomics_weight = {"fused": alpha_ext, "radiomics": 1.0}.get(branches, 0.0)
        self.project = nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.excite = ChannelSELayer(spatial_dims=2, in_channels=width, r=4)
        self.pyramid = SimpleASPP(
            spatial_dims=2,
            in_channels=width,
            conv_out_channels=width // 4,
            kernel_sizes=[1] + [3] * (len(rates) - 1),
            dilations=rates,
        )
        self.gate = nn.Conv2d(width + width // 4 * len(rates), width, 1)
        self.align = nn.Conv2d(width // 4 * len(rates), width, 1)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(4 * width, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, num_classes)
        )
        self.region_classifier = nn.Linear(channels, num_classes)
        # Stored statistics of the descriptors; they follow the training data and stand still afterwards.
        self.standardize = nn.BatchNorm1d(radiomics_dim, affine=False, momentum=0.01)
        self.radiomics_classifier = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(radiomics_dim, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, num_classes)
        )

    def refine(self, embedding: Tensor) -> Tensor:
        """Squeeze-and-excitation, atrous pyramid, gated residual: (B, 256, h, w) -> (B, width, h, w)."""
        excited = self.excite(self.project(embedding))
        pyramid = self.pyramid(excited)
        gate = torch.sigmoid(self.gate(torch.cat([excited, pyramid], dim=1)))
        return excited + gate * (self.align(pyramid) - excited)

    def forward(
        self, embedding: Tensor, mask: Tensor, boxes: Tensor, regions: Tensor, weights: Tensor, radiomics: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Diagnose.

        Args:
            embedding: E, shape (B, 256, h, w).
            mask: fused lesion probability at E's resolution, shape (B, 1, h, w).
            boxes: candidate boxes in cells of E, shape (B, K, 4).
            regions: region embeddings e_k, shape (B, K, 256).
            weights: reliability weights, shape (B, K).
            radiomics: raw descriptors z, shape (B, R).

        Returns:
            Y, Y_SAM, Y_rad: logits of the classes, each (B, C).
        """
        features = self.refine(embedding)
        box = fuse_candidates(rasterize(boxes, features.shape[2], features.shape[3]), weights).unsqueeze(1)
        local = torch.cat([masked_mean(features, mask), masked_mean(features, box)], dim=1)
        whole = torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
        y_region = fuse_candidates(self.region_classifier(regions), weights)
        if self.branches == "lesion":
            whole = torch.zeros_like(whole)
        if self.branches == "whole_image":
            local, y_region = torch.zeros_like(local), torch.zeros_like(y_region)
        y_sam = self.classifier(torch.cat([local, whole], dim=1)) + y_region
        # A descriptor of a strange mask can lie far out; it shall not outvote everything else.
        y_rad = self.radiomics_classifier(self.standardize(radiomics).clamp(-4.0, 4.0))
        if self.branches == "radiomics":
            return y_rad, torch.zeros_like(y_sam), y_rad
        if self.branches != "fused":
            return y_sam, y_sam, torch.zeros_like(y_rad)
        return y_sam + self.alpha_ext * y_rad, y_sam, y_rad

    @torch.jit.unused
    @torch.no_grad()
    def contributions(self, radiomics: Tensor) -> Tensor:
        """How far each descriptor moves the diagnosis: the log-odds of the positive class with it as measured, minus
        the same with it at the training data's mean, all others as measured.

        Args:
            radiomics: raw descriptors z of one lesion, shape (R).

        Returns:
            Shape (R); zeros where radiomics have no part in the diagnosis.
        """
        num_classes = self.region_classifier.out_features
        if not self.uses_radiomics or num_classes < 2:
            return torch.zeros_like(radiomics)
        with eval_mode(self.standardize, self.radiomics_classifier):
            z = self.standardize(radiomics.unsqueeze(0)).clamp(-4.0, 4.0)
            each = z.repeat(z.shape[1] + 1, 1)
            each[1:].fill_diagonal_(0.0)
            logits = self.radiomics_classifier(each) * self.radiomics_weight
        others = [number for number in range(num_classes) if number != self.positive]
        log_odds = logits[:, self.positive] - torch.logsumexp(logits[:, others], dim=1)
        return log_odds[0] - log_odds[1:]
