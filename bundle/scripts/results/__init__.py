"""The files of one image: mask, overlay, evidence figure, DICOM objects."""

from .overlay import draw_overlay
from .result_files import AnalysedImage, ResultFiles

__all__ = ["AnalysedImage", "ResultFiles", "draw_overlay"]
