"""Radiomics: image and mask in, named descriptors out."""

from .torch_radiomics import IBSI, NAMES, TorchRadiomics

__all__ = ["IBSI", "NAMES", "TorchRadiomics"]
