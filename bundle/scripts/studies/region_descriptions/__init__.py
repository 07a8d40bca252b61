"""Lesions painted in colour and described: measured, or by a vision-language model that is checked."""

from .checking import HallucinationCount
from .describers import VisionLanguageModel
from .writing import FILE_NAME, write_region_descriptions

__all__ = ["FILE_NAME", "HallucinationCount", "VisionLanguageModel", "write_region_descriptions"]
