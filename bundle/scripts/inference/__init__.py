"""The run over a folder: its table, resuming, writers, interruptions."""

from .prediction_table import COLUMNS
from .prediction_writer import PredictionWriter
from .stopwatch import Stopwatch

__all__ = ["COLUMNS", "PredictionWriter", "Stopwatch"]
