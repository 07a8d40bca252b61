"""Files in: labelled lists, masks, ultrasound images."""

from scripts.data.datalists import load_datalist
from scripts.data.discovery import discover
from scripts.data.loading import EnsureThreeChannelsd, LoadUltrasoundd
from scripts.data.masks import LoadMaskUniond, read_mask

__all__ = ["EnsureThreeChannelsd", "LoadMaskUniond", "LoadUltrasoundd", "discover", "load_datalist", "read_mask"]
