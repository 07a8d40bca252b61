"""Results out: native masks, overlays, tables, DICOM objects; evaluation tables. highdicom is imported when needed."""

from scripts.reporting.batches import DecollateItems, GuardedCompose, collate_items
from scripts.reporting.calibration import calibrate
from scripts.reporting.candidate_report import CandidateReport
from scripts.reporting.evaluation import EvaluationReport
from scripts.reporting.language_report import LanguageReport
from scripts.reporting.lesion_description import DescribeLesiond, KeepPictured
from scripts.reporting.measurements import measure_size
from scripts.reporting.native_masks import MaskProbabilitiesd, PasteCropd
from scripts.reporting.overlay import draw_overlay
from scripts.reporting.prediction_table import COLUMNS
from scripts.reporting.prediction_writer import PredictionWriter
from scripts.reporting.prompt_swap_report import PromptSwapReport
from scripts.reporting.response_report import ResponseReport
from scripts.reporting.stopwatch import Stopwatch
from scripts.reporting.worst_cases import WorstCases

__all__ = [
    "COLUMNS",
    "CandidateReport",
    "DecollateItems",
    "DescribeLesiond",
    "EvaluationReport",
    "GuardedCompose",
    "KeepPictured",
    "LanguageReport",
    "MaskProbabilitiesd",
    "PasteCropd",
    "PredictionWriter",
    "PromptSwapReport",
    "ResponseReport",
    "Stopwatch",
    "WorstCases",
    "calibrate",
    "collate_items",
    "draw_overlay",
    "measure_size",
]
