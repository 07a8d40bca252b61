"""Files in: labelled lists, masks, ultrasound images."""

from scripts.data.datalists import load_datalist
from scripts.data.masks import LoadMaskUniond, read_mask

__all__ = ["LoadMaskUniond", "load_datalist", "read_mask"]
