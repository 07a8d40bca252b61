"""Files in: labelled lists, masks, ultrasound images."""

from .datalists import load_datalist
from .discovery import discover
from .folds import only_fold, without_fold
from .loading import LoadUltrasoundd
from .mask_files import read_mask
from .masks import LoadMaskUniond
from .preprocessing import EnsureThreeChannelsd, OneGrayChanneld, SmoothBeforeShrinkingd

__all__ = [
    "EnsureThreeChannelsd",
    "LoadMaskUniond",
    "LoadUltrasoundd",
    "OneGrayChanneld",
    "SmoothBeforeShrinkingd",
    "discover",
    "load_datalist",
    "only_fold",
    "read_mask",
    "without_fold",
]
