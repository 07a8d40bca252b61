"""Files in: labelled lists, masks, ultrasound images."""

from scripts.data.datalists import load_datalist
from scripts.data.discovery import discover
from scripts.data.folds import only_fold, without_fold
from scripts.data.loading import EnsureThreeChannelsd, LoadUltrasoundd
from scripts.data.masks import LoadMaskUniond, read_mask

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
