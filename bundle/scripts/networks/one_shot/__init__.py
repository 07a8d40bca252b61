"""One reference image, no training: what a lesion of another kind looks like is shown instead of told."""

from .informed import RECIPES, show_reference
from .reference import Reference, features_digest, read_reference
from .registration import Views, learn_references, register_references, see_references

__all__ = [
    "RECIPES",
    "Reference",
    "Views",
    "features_digest",
    "learn_references",
    "read_reference",
    "register_references",
    "see_references",
    "show_reference",
]
