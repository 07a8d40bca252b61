"""Picture files in: PNG, JPEG, BMP, TIFF, WebP, GIF, JPEG 2000."""

from .opening import count_pictures, open_picture, pixels_of, upright, upright_size
from .reading import read_picture, unit_range

__all__ = [
    "count_pictures",
    "open_picture",
    "pixels_of",
    "read_picture",
    "unit_range",
    "upright",
    "upright_size",
]
