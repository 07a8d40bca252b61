"""Tensors in, tensors out: the Rad-VLSM network and its parts."""

from .candidate_boxes import CandidateBoxes
from .diagnosis_head import DiagnosisHead
from .image_encoder import CompactEncoder, SamEncoder
from .inferer import EvidenceInferer
from .mask_decoder import MaskDecoder, PromptEncoder
from .pretrained import load_sam, load_weights, weights_digest
from .rad_vlsm import RadVLSM
from .reliability import EvidenceGate, Reliability, fuse_candidates
from .semantic_prompter import SemanticPrompter
from .text_tower import TextTower

__all__ = [
    "CandidateBoxes",
    "CompactEncoder",
    "DiagnosisHead",
    "EvidenceGate",
    "EvidenceInferer",
    "MaskDecoder",
    "PromptEncoder",
    "RadVLSM",
    "Reliability",
    "SamEncoder",
    "SemanticPrompter",
    "TextTower",
    "fuse_candidates",
    "load_sam",
    "load_weights",
    "weights_digest",
]
