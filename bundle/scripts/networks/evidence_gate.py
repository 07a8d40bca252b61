"""Is there a lesion at all, and how well is it outlined: from absolute quantities."""


import torch
from torch import Tensor, nn
from torch.nn import functional as F


class EvidenceGate(nn.Module):
    """Is there a lesion at all, and how good is its mask?

    Softmax weights always sum to one, so "no lesion" needs absolute measures, taken before it: the raw response, the
    candidates' contrast, semantic agreement and predicted consistency, the spread of their masks, the fused area and
    its logits; and what the image as a whole looks like.

    Args:
        channels: channels of the image embedding E.
        hidden: hidden width.
    """

    MEASURES = 9

    def __init__(self, channels: int = 256, hidden: int = 32) -> None:
        super().__init__()
        self.measures = nn.Linear(self.MEASURES, hidden)
        self.image = nn.Linear(2 * channels, hidden)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(hidden, 2)

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
        """Measure the evidence.

        Args:
            embedding: E, shape (B, C, h, w).
            response: response map in [0, 1], shape (B, 1, H, W).
            scores, semantic, consistency, weights, valid: per candidate, shape (B, K).
            masks: candidate mask logits, shape (B, K, Hm, Wm).
            fused: fused mask logits, shape (B, 1, Hm, Wm).

        Returns:
            lesion-evidence logit (B, 1) and logit of the fused mask's expected IoU (B, 1).
        """
        # The gate judges; it must not bend what it judges. Only its view of the whole image trains the encoder.
        probabilities = torch.sigmoid(masks.detach())
        consensus = torch.sigmoid(fused.detach())
        overlap = 2 * (probabilities * consensus).sum(dim=(2, 3))
        agreement = overlap / (probabilities.sum(dim=(2, 3)) + consensus.sum(dim=(2, 3))).clamp(min=1e-3)
        count = valid.sum(dim=1).clamp(min=1.0)
        area = consensus.mean(dim=(1, 2, 3))
        certainty = (2 * consensus - 1).abs() * consensus
        measures = torch.stack(
            [
                response.detach().amax(dim=(1, 2, 3)),
                response.detach().mean(dim=(1, 2, 3)),
                scores[:, 0],
                (weights * semantic).detach().sum(dim=1),
                (weights * consistency).detach().sum(dim=1),
                (agreement * valid).sum(dim=1) / count,
                area.sqrt(),
                certainty.sum(dim=(1, 2, 3)) / consensus.sum(dim=(1, 2, 3)).clamp(min=1e-3),
                consensus.amax(dim=(1, 2, 3)),
            ],
            dim=1,
        )
        image = torch.cat([embedding.mean(dim=(2, 3)), embedding.amax(dim=(2, 3))], dim=1)
        hidden = self.dropout(F.relu(self.measures(measures) + self.image(image)))
        logits = self.head(hidden)
        return logits[:, :1], logits[:, 1:]
