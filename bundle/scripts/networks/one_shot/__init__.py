"""One reference image, no training: what a lesion of another kind looks like is shown instead of told."""

from .informed import RECIPES, show_reference
from .reference import Reference, features_digest, read_reference
from .registration import register_references

__all__ = [
    "RECIPES",
    "Reference",
    "features_digest",
    "read_reference",
    "register_references",
    "show_reference",
]
