"""The run over a folder: its table, resuming, writers, interruptions."""

from .prediction_writer import PredictionWriter
from .stopwatch import Stopwatch
from .strips import StripWriter
from .tables.studies import StudyTable

__all__ = ["PredictionWriter", "Stopwatch", "StripWriter", "StudyTable"]
