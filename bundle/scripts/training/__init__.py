"""Losses, augmentation and what MONAI's engines need to train the network."""

from .augmentation import RandBurntInMarksd, RandDepthGaind, RandGaind, RandSpeckled
from .engines import EncodeDiagnosisd, PrepareLesionBatch, gated_masks, lesion_diagnoses, lesion_log_odds
from .handlers import (
    ClipGradients,
    DiagnosisAUC,
    EpochSeed,
    FreezeNorms,
    LossTerms,
    MovingAverage,
    ResumableCheckpoint,
    defined_above,
)
from .losses import RadVLSMLoss, self_distillation

__all__ = [
    "ClipGradients",
    "DiagnosisAUC",
    "EncodeDiagnosisd",
    "EpochSeed",
    "FreezeNorms",
    "LossTerms",
    "MovingAverage",
    "PrepareLesionBatch",
    "RadVLSMLoss",
    "RandBurntInMarksd",
    "RandDepthGaind",
    "RandGaind",
    "RandSpeckled",
    "ResumableCheckpoint",
    "defined_above",
    "gated_masks",
    "lesion_diagnoses",
    "lesion_log_odds",
    "self_distillation",
]
