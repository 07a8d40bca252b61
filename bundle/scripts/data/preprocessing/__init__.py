"""From a loaded image to what the network takes, where MONAI's transforms do not serve."""

from .channels import EnsureThreeChannelsd, OneGrayChanneld, is_gray
from .smoothing import SmoothBeforeShrinkingd

__all__ = ["EnsureThreeChannelsd", "OneGrayChanneld", "SmoothBeforeShrinkingd", "is_gray"]
