"""Losses, augmentation and what MONAI's engines need to train the network."""

from .adapter_file import AdapterFile
from .alignment_loss import AlignmentLoss
from .augmentation import RandBurntInMarksd, RandDepthGaind, RandGaind, RandSpeckled
from .checkpoint import LastWeights, ResumableCheckpoint, run_unless_finished
from .distributed import DistributedRadVLSM, SameBuffers, join_processes
from .handlers import ClipGradients, EpochSeed, FreezeNorms, LossTerms, MovingAverage, defined_above
from .metrics import LesionAUC, gated_masks, lesion_diagnoses, response_masks
from .outline_panel import OutlinePanel
from .peer_loss import PeerLoss
from .prepare_batch import EncodeDiagnosisd, PrepareAlignmentBatch, PrepareLesionBatch
from .rad_vlsm_loss import RadVLSMLoss, self_distillation
from .sampling import epoch_sampler, lesion_log_odds, sampling_weights

__all__ = [
    "AdapterFile",
    "AlignmentLoss",
    "ClipGradients",
    "DistributedRadVLSM",
    "EncodeDiagnosisd",
    "EpochSeed",
    "FreezeNorms",
    "LastWeights",
    "LesionAUC",
    "LossTerms",
    "MovingAverage",
    "OutlinePanel",
    "PeerLoss",
    "PrepareAlignmentBatch",
    "PrepareLesionBatch",
    "RadVLSMLoss",
    "RandBurntInMarksd",
    "RandDepthGaind",
    "RandGaind",
    "RandSpeckled",
    "ResumableCheckpoint",
    "SameBuffers",
    "defined_above",
    "epoch_sampler",
    "gated_masks",
    "join_processes",
    "lesion_diagnoses",
    "lesion_log_odds",
    "response_masks",
    "run_unless_finished",
    "sampling_weights",
    "self_distillation",
]
