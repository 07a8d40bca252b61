"""A small network with its default parts."""

import pytest
import torch

from scripts.networks import (
    CandidateBoxes,
    CompactEncoder,
    DiagnosisHead,
    EvidenceGate,
    MaskDecoder,
    MaskRefiner,
    PromptEncoder,
    RadVLSM,
    Reliability,
    SemanticPrompter,
    TextTower,
)
from scripts.radiomics import TorchRadiomics


@pytest.fixture()
def make_network():
    """Builds a random network; options replace its parts."""

    def make(**parts):
        torch.manual_seed(0)
        radiomics = TorchRadiomics()
        defaults = dict(
            image_encoder=CompactEncoder(),
            semantic_prompter=SemanticPrompter(),
            candidate_boxes=CandidateBoxes(),
            prompt_encoder=PromptEncoder(),
            mask_decoder=MaskDecoder(),
            reliability=Reliability(),
            mask_refiner=MaskRefiner(),
            evidence_gate=EvidenceGate(),
            radiomics=radiomics,
            diagnosis_head=DiagnosisHead(len(radiomics.names)),
            prompt_embedding=TextTower().embed("breast lesion"),
        )
        return RadVLSM(**{**defaults, **parts}).eval()

    return make
