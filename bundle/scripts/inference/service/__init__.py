"""Inference that stands by: a folder or an archive is watched, and what comes is analysed."""

from .arrivals import Arrivals
from .orthanc import OrthancFeed, make_feed
from .service import Service

__all__ = ["Arrivals", "OrthancFeed", "Service", "make_feed"]
