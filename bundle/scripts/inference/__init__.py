"""The run over a folder: its table, resuming, writers, interruptions."""

from .analysis import Analysis
from .prediction_writer import PredictionWriter
from .references import take_reference, without_diagnosis, write_reference
from .stopwatch import Stopwatch
from .strips import StripWriter
from .tables.studies import StudyTable

__all__ = [
    "Analysis",
    "PredictionWriter",
    "Stopwatch",
    "StripWriter",
    "StudyTable",
    "take_reference",
    "without_diagnosis",
    "write_reference",
]
