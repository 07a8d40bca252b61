"""Predictions against ground truth: cases, metrics, intervals, calibration."""

from .calibration import calibrate
from .report import EvaluationReport
from .worst_cases import WorstCases

__all__ = ["EvaluationReport", "WorstCases", "calibrate"]
