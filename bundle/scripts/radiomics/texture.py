"""Texture: grey-level co-occurrence inside the lesion (Haralick 1973), as in pyradiomics `glcm` with force2D.

32 grey levels, neighbours at distance one in four directions, symmetric, features averaged over the directions in
which the lesion has neighbours (IBSI: 2D, averaged over slices and directions, BTW3).
"""

import torch
from torch import Tensor

from .lesion_rows import ratio

TEXTURE_NAMES: list[str] = [
    "texture_contrast",
    "texture_correlation",
    "texture_joint_entropy",
    "texture_joint_energy",
    "texture_joint_average",
    "texture_maximum_probability",
    "texture_inverse_difference",
    "texture_inverse_difference_moment",
    "texture_inverse_variance",
    "texture_difference_average",
    "texture_difference_variance",
    "texture_difference_entropy",
    "texture_sum_entropy",
    "texture_cluster_tendency",
    "texture_cluster_shade",
    "texture_cluster_prominence",
    "texture_information_correlation_1",
    "texture_information_correlation_2",
]

TEXTURE_IBSI: dict[str, str] = {
    "texture_contrast": "ACUI",
    "texture_correlation": "NI2N",
    "texture_joint_entropy": "TU9B",
    "texture_joint_energy": "8ZQL",
    "texture_joint_average": "60VM",
    "texture_maximum_probability": "GYBY",
    "texture_inverse_difference": "IB1Z",
    "texture_inverse_difference_moment": "WF0Z",
    "texture_inverse_variance": "E8JP",
    "texture_difference_average": "TF7R",
    "texture_difference_variance": "D3YU",
    "texture_difference_entropy": "NTRS",
    "texture_sum_entropy": "P6QZ",
    "texture_cluster_tendency": "DG8W",
    "texture_cluster_shade": "7NFM",
    "texture_cluster_prominence": "AE86",
    "texture_information_correlation_1": "R8DG",
    "texture_information_correlation_2": "JN9H",
}


def texture_descriptors(pairs: Tensor) -> Tensor:
    """Texture descriptors in the order of `TEXTURE_NAMES`, entropies in bits.

    A flat lesion has correlation 1 (pyradiomics' convention); one without any neighbouring pair has zeros.

    Args:
        pairs: (B, 4, 33, 33), co-occurrences of levels in four directions; level 0 is outside the lesion.

    Returns:
        (B, 18) float64.
    """
    eps = 2.220446049250313e-16
    counts = pairs[:, :, 1:, 1:].to(torch.float64)
    counts = counts + counts.transpose(2, 3)
    bins = counts.shape[2]
    total = counts.sum([2, 3], keepdim=True)
    joint = counts / total.clamp(min=1)
    grey = torch.arange(1, bins + 1, dtype=torch.float64, device=counts.device)
    marginal = joint.sum(3)
    mean = (marginal * grey).sum(2)
    variance = (marginal * (grey - mean.unsqueeze(2)) ** 2).sum(2)

    flat_joint = joint.flatten(2)
    number = torch.arange(bins, device=joint.device)
    sum_index = (number.view(-1, 1) + number).flatten().expand_as(flat_joint)
    difference_index = (number.view(-1, 1) - number).abs().flatten().expand_as(flat_joint)
    sums = torch.zeros([joint.shape[0], 4, 2 * bins - 1], dtype=torch.float64, device=joint.device)
    sums = sums.scatter_add(2, sum_index, flat_joint)
    difference = torch.zeros([joint.shape[0], 4, bins], dtype=torch.float64, device=joint.device)
    difference = difference.scatter_add(2, difference_index, flat_joint)

    k = grey - 1
    difference_mean = (difference * k).sum(2)
    difference_square = (difference * k**2).sum(2)
    centred_sum = torch.arange(2, 2 * bins + 1, dtype=torch.float64, device=joint.device) - 2 * mean.unsqueeze(2)
    varied = variance > 1e-12

    joint_entropy = _entropy(flat_joint, eps)
    marginal_entropy = _entropy(marginal, eps)
    # The marginals are the same, so that independent levels have twice their entropy.
    shared = 2 * marginal_entropy - joint_entropy
    information = torch.sqrt((1 - torch.exp(-2 * shared)).clamp(min=0))

    features = torch.stack(
        [
            difference_square,
            torch.where(varied, ratio(variance - difference_square / 2, variance), 1.0),
            joint_entropy,
            (flat_joint**2).sum(2),
            mean,
            flat_joint.amax(2),
            (difference / (1 + k)).sum(2),
            (difference / (1 + k**2)).sum(2),
            (difference[:, :, 1:] / k[1:] ** 2).sum(2),
            difference_mean,
            (difference * (k - difference_mean.unsqueeze(2)) ** 2).sum(2),
            _entropy(difference, eps),
            _entropy(sums, eps),
            (sums * centred_sum**2).sum(2),
            (sums * centred_sum**3).sum(2),
            (sums * centred_sum**4).sum(2),
            torch.where(varied, ratio(-shared, marginal_entropy), 0.0),
            torch.where(varied, information, 0.0),
        ],
        2,
    )
    seen = (total.view(-1, 4, 1) > 0).to(torch.float64)
    return ratio((features * seen).sum(1), seen.sum(1))


def _entropy(share: Tensor, eps: float) -> Tensor:
    """Shannon entropy in bits over the last dimension; a clamp, as ONNX optimisers drop a summand so small."""
    return -(share * torch.log2(share.clamp(min=eps))).sum(-1)
