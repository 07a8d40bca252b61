"""The run over a folder: its table, resuming, writers, interruptions."""

from .prediction_writer import PredictionWriter
from .stopwatch import Stopwatch

__all__ = ["PredictionWriter", "Stopwatch"]
