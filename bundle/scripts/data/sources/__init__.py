"""Where a run's files come from: a folder, an object store, a list, an archive over DICOMweb."""

from .choice import Source, open_source
from .entries import Entry

__all__ = ["Entry", "Source", "open_source"]
