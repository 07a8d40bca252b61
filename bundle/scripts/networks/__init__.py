"""Tensors in, tensors out: the Rad-VLSM network and its parts."""

from .adapters import adapt, adapter_digest, find_adapter, load_default, load_site_weights, save_adapter, save_fitted
from .alignment import Alignment
from .candidate_boxes import CandidateBoxes
from .checkpoints import (
    average_weights,
    load_alignment,
    load_heads,
    load_text_tower,
    load_weights,
    save_text_tower,
    save_weights,
    weights_digest,
)
from .closed_loop import ClosedLoop
from .diagnosis_head import DiagnosisHead
from .encoders.compact import CompactEncoder
from .encoders.efficientnet_lite import EfficientNetLiteEncoder, load_imagenet
from .encoders.sam import SamEncoder
from .evidence_gate import EvidenceGate
from .grad_cam import GradCamPrompter
from .inferer import NamedInferer
from .mask_decoder import MaskDecoder
from .mask_refiner import MaskRefiner
from .peer import Peer
from .prompt_encoder import PromptEncoder
from .rad_vlsm import RadVLSM
from .reliability import Reliability, fuse_candidates
from .sam_checkpoint import load_sam
from .semantic_prompter import SemanticPrompter
from .text_tower import TextTower

__all__ = [
    "Alignment",
    "CandidateBoxes",
    "ClosedLoop",
    "CompactEncoder",
    "DiagnosisHead",
    "EfficientNetLiteEncoder",
    "EvidenceGate",
    "NamedInferer",
    "GradCamPrompter",
    "MaskDecoder",
    "MaskRefiner",
    "Peer",
    "PromptEncoder",
    "RadVLSM",
    "Reliability",
    "SamEncoder",
    "SemanticPrompter",
    "TextTower",
    "adapt",
    "adapter_digest",
    "average_weights",
    "find_adapter",
    "fuse_candidates",
    "load_alignment",
    "load_default",
    "load_heads",
    "load_imagenet",
    "load_sam",
    "load_site_weights",
    "load_text_tower",
    "load_weights",
    "save_adapter",
    "save_fitted",
    "save_text_tower",
    "save_weights",
    "weights_digest",
]
