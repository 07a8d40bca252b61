"""Predictions against ground truth: cases, metrics, intervals, calibration."""

from .calibration import calibrate
from .domain_fit import fit_domain
from .report import EvaluationReport
from .worst_cases import WorstCases

__all__ = ["EvaluationReport", "WorstCases", "calibrate", "fit_domain"]
