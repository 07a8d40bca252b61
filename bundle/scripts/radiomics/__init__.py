"""Radiomics: image and mask in, named descriptors out."""

from .pyradiomics_reference import PYRADIOMICS, PyRadiomics
from .torch_radiomics import IBSI, NAMES, TorchRadiomics

__all__ = ["IBSI", "NAMES", "PYRADIOMICS", "PyRadiomics", "TorchRadiomics"]
