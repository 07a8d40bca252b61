"""Which candidates to trust: reliability weights, and their aggregation (MCRA)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: What the weights are made of: each row of the paper's ablation is one of these.
MODES = ("single_box", "uniform", "saliency", "semantic", "both", "both_consistency")


def masked_softmax(logits: Tensor, valid: Tensor) -> Tensor:
    """Softmax over the valid candidates, shape (B, K); invalid ones get exactly zero."""
    logits = logits.masked_fill(valid < 0.5, float("-inf"))
    return torch.softmax(logits, dim=-1)


def fuse_candidates(values: Tensor, weights: Tensor) -> Tensor:
    """Reliability-weighted sum over candidates (MCRA, Rad-VLSM Algorithm 1).

    Args:
        values: per-candidate masks, logits or embeddings, shape (B, K, ...).
        weights: reliability weights, shape (B, K), non-negative, summing to 1 over valid candidates.

    Returns:
        The fused value, shape (B, ...).
    """
    flat = values.flatten(2)
    fused = (weights.unsqueeze(-1) * flat).sum(dim=1)
    return fused.reshape([values.shape[0]] + list(values.shape[2:]))


class Reliability(nn.Module):
    """Reliability of each candidate: saliency, semantic agreement, predicted mask consistency.

    ``w = (1 - alpha) softmax(s / tau_sal) + alpha softmax(cos(e, f) / tau_sem)`` (Rad-VLSM Algorithm 1), scaled by
    ``consistency ** exponent`` and normalised again; the exponent is learned, non-negative, and 0 is the paper.

    Args:
        mode: one of ``MODES``.
        alpha: share of the semantic weight, in [0, 1].
        tau_saliency: temperature of the saliency softmax.
        tau_semantic: temperature of the semantic softmax.
        dim: channels of region and text embeddings.

    Raises:
        ValueError: if the mode is unknown or a value lies outside its range.
    """

    def __init__(
        self,
        mode: str = "both_consistency",
        alpha: float = 0.5,
        tau_saliency: float = 0.1,
        tau_semantic: float = 0.1,
        dim: int = 256,
    ) -> None:
        super().__init__()
        if mode not in MODES:
            raise ValueError(f"reliability mode {mode!r} is unknown; choose one of {', '.join(MODES)}.")
        if not 0.0 <= alpha <= 1.0 or tau_saliency <= 0.0 or tau_semantic <= 0.0:
            raise ValueError("alpha must lie in [0, 1] and both temperatures must be positive.")
        self.mode = mode
        self.alpha = alpha
        self.tau_saliency = tau_saliency
        self.tau_semantic = tau_semantic
        self.region_projection = nn.Linear(dim, dim)
        self.exponent = nn.Parameter(torch.tensor(2.0))

    def semantic(self, regions: Tensor, text: Tensor) -> Tensor:
        """Cosine of each region embedding with the text, (B, K, C) and (C) or (B, C) -> (B, K)."""
        text = F.normalize(text.reshape(-1, 1, text.shape[-1]), dim=-1)
        return (F.normalize(self.region_projection(regions), dim=-1) * text).sum(dim=-1)

    def forward(self, scores: Tensor, semantic: Tensor, consistency: Tensor, valid: Tensor) -> Tensor:
        """Weigh the candidates.

        Args:
            scores: saliency s, the candidates' contrast in the response map, shape (B, K).
            semantic: cos(e_k, f), shape (B, K).
            consistency: predicted mask consistency in [0, 1], shape (B, K).
            valid: 0 or 1, shape (B, K).

        Returns:
            Weights w, shape (B, K), summing to 1 over the valid candidates.
        """
        if self.mode == "single_box":
            # Candidates come best first.
            return F.one_hot(torch.zeros_like(valid[:, 0]).long(), valid.shape[1]).to(scores.dtype)
        if self.mode == "uniform":
            return valid / valid.sum(dim=1, keepdim=True)
        saliency_weight = masked_softmax(scores / self.tau_saliency, valid)
        semantic_weight = masked_softmax(semantic / self.tau_semantic, valid)
        if self.mode == "saliency":
            return saliency_weight
        if self.mode == "semantic":
            return semantic_weight
        weights = (1.0 - self.alpha) * saliency_weight + self.alpha * semantic_weight
        if self.mode == "both_consistency":
            weights = weights * consistency.clamp(min=1e-4) ** F.relu(self.exponent)
            weights = weights / weights.sum(dim=1, keepdim=True)
        return weights


