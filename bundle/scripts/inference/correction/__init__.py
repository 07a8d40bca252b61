"""From predicted masks to corrected ones: out to the tools of annotators, and back as a training folder."""

from .exporting import export_masks
from .importing import import_masks

__all__ = ["export_masks", "import_masks"]
