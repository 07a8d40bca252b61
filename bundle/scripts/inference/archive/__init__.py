"""Inference over many workers with Ray Data: shards of work, each taken whole or not at all."""

from .run import ArchiveRun
from .workers import Cluster

__all__ = ["ArchiveRun", "Cluster"]
