"""Tensors in, tensors out: the Rad-VLSM network and its parts."""

from .alignment import Alignment
from .candidate_boxes import CandidateBoxes
from .diagnosis_head import DiagnosisHead
from .grad_cam import GradCamPrompter
from .image_encoder import CompactEncoder, SamEncoder
from .inferer import EvidenceInferer
from .mask_decoder import MaskDecoder, PromptEncoder
from .mask_refiner import MaskRefiner
from .peer import Peer
from .pretrained import (
    average_weights,
    load_alignment,
    load_sam,
    load_text_tower,
    load_weights,
    save_text_tower,
    weights_digest,
)
from .rad_vlsm import RadVLSM
from .reliability import EvidenceGate, Reliability, fuse_candidates
from .semantic_prompter import SemanticPrompter
from .text_tower import TextTower

__all__ = [
    "Alignment",
    "CandidateBoxes",
    "CompactEncoder",
    "DiagnosisHead",
    "EvidenceGate",
    "EvidenceInferer",
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
    "fuse_candidates",
    "average_weights",
    "load_alignment",
    "load_sam",
    "load_text_tower",
    "load_weights",
    "save_text_tower",
    "weights_digest",
]
