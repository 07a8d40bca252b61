"""Rad-VLSM: language finds the lesion, SAM segments it, radiomics and visual evidence diagnose it."""
