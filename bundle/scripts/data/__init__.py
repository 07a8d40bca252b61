"""Files in: labelled lists, masks, ultrasound images."""

from .datalists import load_datalist
from .discovery import discover
from .folds import only_fold, without_fold
from .loading import EnsureThreeChannelsd, LoadUltrasoundd
from .mask_files import read_mask
from .masks import LoadMaskUniond

__all__ = [
    "EnsureThreeChannelsd",
    "LoadMaskUniond",
    "LoadUltrasoundd",
    "discover",
    "load_datalist",
    "only_fold",
    "read_mask",
    "without_fold",
]
