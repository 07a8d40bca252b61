"""Losses, augmentation and what MONAI's engines need to train the network."""

from .augmentation import RandBurntInMarksd, RandDepthGaind, RandGaind, RandSpeckled
from .engines import EncodeDiagnosisd, PrepareLesionBatch, gated_masks, lesion_diagnoses, lesion_log_odds
from .handlers import ClipGradients, EpochSeed, LossTerms, ResumableCheckpoint
from .losses import RadVLSMLoss, self_distillation

__all__ = [
    "ClipGradients",
    "EncodeDiagnosisd",
    "EpochSeed",
    "LossTerms",
    "PrepareLesionBatch",
    "RadVLSMLoss",
    "RandBurntInMarksd",
    "RandDepthGaind",
    "RandGaind",
    "RandSpeckled",
    "ResumableCheckpoint",
    "gated_masks",
    "lesion_diagnoses",
    "lesion_log_odds",
    "self_distillation",
]
