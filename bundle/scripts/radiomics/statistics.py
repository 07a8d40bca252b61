"""Stored statistics of descriptors: what a standardisation divides by."""

import torch
from torch import Tensor

from scripts.errors import BundleError


def fit_statistics(values: Tensor, reach: float = 5.0) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each descriptor, not carried away by outliers.

    Values farther than `reach` robust standard deviations (interquartile range / 1.349) from the median are moved to
    that distance first. Rows of zeros are empty masks and left out. A descriptor that does not vary gets the standard
    deviation 1, so that it standardises to 0.

    Args:
        values: (N, R) descriptors of N lesions.
        reach: in robust standard deviations.

    Returns:
        mean and standard deviation, each (R,), in the dtype of `values`.

    Raises:
        BundleError: when fewer than two rows hold a lesion, or a value is not finite.
    """
    lesions = values[values.abs().sum(1) > 0]
    if len(lesions) < 2:
        raise BundleError(f"Descriptor statistics need at least two lesions, got {len(lesions)}: use a larger list.")
    if not bool(lesions.isfinite().all()):
        raise BundleError("Descriptor statistics need finite values: check the images for NaN or infinity.")
    quartiles = torch.quantile(lesions.double(), torch.tensor([0.25, 0.5, 0.75]).to(lesions.device).double(), dim=0)
    spread = reach * (quartiles[2] - quartiles[0]) / 1.349
    # A count that is the same for most lesions has no interquartile range: leave it as it is.
    spread = torch.where(spread > 0, spread, float("inf"))
    kept = torch.minimum(torch.maximum(lesions.double(), quartiles[1] - spread), quartiles[1] + spread)
    deviation = kept.std(0)
    deviation = torch.where(deviation > 1e-9, deviation, 1.0)
    return kept.mean(0).to(values.dtype), deviation.to(values.dtype)
