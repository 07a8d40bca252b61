"""Radiomics: image and mask in, named descriptors out."""

from .pyradiomics_reference import PYRADIOMICS, PyRadiomics
from .statistics import fit_statistics
from .torch_radiomics import IBSI, NAMES, TorchRadiomics

__all__ = ["IBSI", "NAMES", "PYRADIOMICS", "PyRadiomics", "TorchRadiomics", "fit_statistics"]
