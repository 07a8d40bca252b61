"""Rad-VLSM (arXiv 2605.18130): language finds the lesion, SAM segments it, radiomics join in its diagnosis."""


import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .boxes import box_masks
from .candidate_boxes import CandidateBoxes
from .diagnosis_head import DiagnosisHead
from .encoders.blocks import standardize
from .evidence_gate import EvidenceGate
from .lesion_diagnosis import diagnose_lesions
from .mask_decoder import MaskDecoder
from .mirroring import as_views, mean_of_maps, mean_of_views
from .prompt_encoder import PromptEncoder
from .reliability import Reliability, fuse_candidates
from .semantic_prompter import SemanticPrompter
from .training_domain import TrainingDomain


class RadVLSM(nn.Module):
    """The whole network, read top to bottom like the paper's figure.

    Args:
        image_encoder: images -> E (B, 256, S/16, S/16), skips (B, 64, S/8, S/8), (B, 32, S/4, S/4),
            detail (B, 16, S/2, S/2); or all of them finer, by one factor, but for the detail, which need not be.
        semantic_prompter: E and the fixed text -> response map.
        candidate_boxes: response map -> K boxes.
        prompt_encoder: boxes -> prompts, and the position encoding of E.
        mask_decoder: E and prompts -> K masks, region embeddings, predicted consistencies.
        reliability: which candidates to trust.
        mask_refiner: the fused mask and the detail -> the fused mask at S/2.
        evidence_gate: is there a lesion at all.
        radiomics: image (B, 3, S, S) and mask (B, 1, S, S) -> (B, R) named descriptors; has ``names``.
        diagnosis_head: which of C classes.
        prompt_embedding: embedding f (256) of the fixed class-agnostic prompt; None leaves it to the checkpoint.
        mask_threshold: probability from which a pixel belongs to the mask, for radiomics and the gate.
        mirror: outside training, look at each image left-right mirrored too, and answer with the mean of both views:
            of mask, evidence, expected IoU and visual diagnosis. What is of single candidates is of the first view.
    """

    prompt_embedding: Tensor
    evidence_threshold: Tensor
    evidence_temperature: Tensor
    diagnosis_temperature: Tensor
    indeterminate_band: Tensor
    reliability_threshold: Tensor

    def __init__(
        self,
        image_encoder: nn.Module,
        semantic_prompter: SemanticPrompter,
        candidate_boxes: CandidateBoxes,
        prompt_encoder: PromptEncoder,
        mask_decoder: MaskDecoder,
        reliability: Reliability,
        mask_refiner: nn.Module,
        evidence_gate: EvidenceGate,
        radiomics: nn.Module,
        diagnosis_head: DiagnosisHead,
        prompt_embedding: Tensor | None = None,
        mask_threshold: float = 0.5,
        mirror: bool = False,
    ) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.semantic_prompter = semantic_prompter
        self.candidate_boxes = candidate_boxes
        self.prompt_encoder = prompt_encoder
        self.mask_decoder = mask_decoder
        self.reliability = reliability
        self.mask_refiner = mask_refiner
        self.evidence_gate = evidence_gate
        self.radiomics = radiomics
        self.diagnosis_head = diagnosis_head
        self.mask_threshold = mask_threshold
        self.mirror = mirror
        # The fixed class-agnostic prompt, embedded once: inference needs no text tower.
        if prompt_embedding is None:
            prompt_embedding = torch.zeros(256)
        self.register_buffer("prompt_embedding", prompt_embedding.detach().clone())
        # Fitted after training: which images it knows, the evidence logit of a lesion, temperatures, abstention.
        self.domain = TrainingDomain()
        self.register_buffer("evidence_threshold", torch.tensor(0.0))
        self.register_buffer("evidence_temperature", torch.tensor(1.0))
        self.register_buffer("diagnosis_temperature", torch.tensor(1.0))
        self.register_buffer("indeterminate_band", torch.tensor([0.5, 0.5]))
        self.register_buffer("reliability_threshold", torch.tensor(0.0))

    @torch.jit.unused
    def forget_calibration(self, evidence_threshold: float = 0.0, only_fitted: bool = False) -> None:
        """What was fitted to these weights does not hold for those that training makes of them.

        Args:
            evidence_threshold: the evidence logit above which there is a lesion until it is fitted again.
            only_fitted: a threshold that was not fitted, but is that of training, stays instead.
        """
        if not only_fitted or self.evidence_temperature != 1:  # fitted together with the threshold, or neither is
            self.evidence_threshold.fill_(evidence_threshold)
        self.domain.forget()
        self.evidence_temperature.fill_(1.0)
        self.diagnosis_temperature.fill_(1.0)
        self.indeterminate_band.fill_(0.5)
        self.reliability_threshold.fill_(0.0)

    @torch.jit.unused
    def is_calibrated(self) -> bool:
        """Whether temperatures and abstention were fitted to these weights; until then they say nothing."""
        abstains = bool((self.indeterminate_band != 0.5).any()) or float(self.reliability_threshold) > 0
        return abstains or float(self.diagnosis_temperature) != 1 or float(self.evidence_temperature) != 1

    @torch.jit.export
    def forward_named(self, image: Tensor, text: Tensor | None = None) -> dict[str, Tensor]:
        """Everything that the method believes about each image, by name.

        Args:
            image: values in [0, 1], shape (B, 3, S, S), S a multiple of 32.
            text: embeddings of other texts than the fixed prompt, one per image, shape (B, 256); for training.

        Returns:
            See ``bundle/docs/architecture.md``; batch first, ``mask_logits`` ... ``radiomics``.

        Raises:
            ValueError: if the image has not three channels or its sides are not equal multiples of 32.
        """
        if image.dim() != 4 or image.shape[1] != 3 or image.shape[2] != image.shape[3] or image.shape[2] % 32 != 0:
            raise ValueError(
                f"The network takes images of shape (B, 3, S, S), S a multiple of 32, but got {list(image.shape)}."
            )
        batch, size = image.shape[0], image.shape[-1]
        if text is None:
            text = self.prompt_embedding
        mirrored = self.mirror and not self.training
        if mirrored and text.dim() > 1:
            text = text.repeat(2, 1)

        embedding, skip8, skip4, detail = self.image_encoder(standardize(as_views(image, mirrored)))
        position = self.prompt_encoder.pe_layer.grid(embedding.shape[2], embedding.shape[3])

        # Language guides where to look ...
        response_logits, match_logit = self.semantic_prompter(embedding, skip8, position, text)
        response = torch.sigmoid(response_logits)
        boxes, scores, valid, fallback = self.candidate_boxes(response, size)

        # ... SAM segments every candidate ...
        box_logits = box_masks(boxes, size, 4 * embedding.shape[2])
        sparse, dense = self.prompt_encoder(boxes.flatten(0, 1), box_logits, (size, size))
        masks, regions, quality = self.mask_decoder(embedding, position, sparse, dense, (skip8, skip4))
        consistency = torch.sigmoid(quality)

        # ... the reliable ones prevail ...
        semantic = self.reliability.semantic(regions, text)
        weights = self.reliability(scores, semantic, consistency, valid)
        fused = fuse_candidates(masks, weights).unsqueeze(1)
        evidence_logit, iou_logit = self.evidence_gate(
            embedding, response, scores, semantic, consistency, masks, fused, weights, valid
        )
        refined = self.mask_refiner(fused, detail)
        mask_logits = F.interpolate(refined, size=[size, size], mode="bilinear", align_corners=False)
        mask_logits = mean_of_maps(mask_logits, mirrored)

        # ... and what lies inside the mask is diagnosed: where to look is learned from masks and semantics alone.
        inside = torch.sigmoid(mask_logits.detach())
        mask = (inside > self.mask_threshold).to(image.dtype)
        radiomics = self.radiomics(image, mask)
        logits = self.diagnosis_head(
            embedding,
            F.adaptive_avg_pool2d(as_views(inside, mirrored), [embedding.shape[2], embedding.shape[3]]),
            boxes * (float(embedding.shape[-1]) / float(size)),
            regions,
            weights.detach(),
            radiomics.to(embedding.dtype).repeat(2 if mirrored else 1, 1),
        )
        y, y_sam, y_rad = [mean_of_views(values, mirrored) for values in logits]

        # Last, the gate: no evidence, nothing that the text asks for, or an empty mask, no lesion.
        evidence_logit, iou_logit = mean_of_views(evidence_logit, mirrored), mean_of_views(iou_logit, mirrored)
        match_logit = mean_of_views(match_logit, mirrored)
        evidence_logit = (evidence_logit + match_logit) / 2
        lesion_logit = (evidence_logit - self.evidence_threshold) / self.evidence_temperature
        empty = inside.amax(dim=(2, 3)) <= self.mask_threshold
        lesion_logit = torch.where(empty, lesion_logit.clamp(max=-1.0), lesion_logit)
        found = (lesion_logit > 0).unsqueeze(-1).unsqueeze(-1)
        domain_distance = self.domain(skip8[:batch], skip4[:batch], detail[:batch])

        # And when not to be trusted: the probability is near even odds, or the mask is not reliable.
        diagnosis_logits, reliability = y / self.diagnosis_temperature, torch.sigmoid(iou_logit)
        return {
            "mask_logits": mask_logits,
            "gated_mask_logits": torch.where(found, mask_logits, mask_logits.clamp(max=-10.0)),
            "diagnosis_logits": diagnosis_logits,
            "y_sam": y_sam,
            "y_rad": y_rad,
            "lesion_logit": lesion_logit,
            "evidence_logit": evidence_logit,
            "iou_logit": iou_logit,
            "reliability": reliability,
            "domain_distance": domain_distance,
            "indeterminate": self.doubt(diagnosis_logits, reliability),
            "match_logit": match_logit,
            "response_logits": response_logits[:batch],
            "response_map": response[:batch],
            "boxes": boxes[:batch],
            "scores": scores[:batch],
            "semantic": semantic[:batch],
            "consistency_logits": quality[:batch],
            "consistency": consistency[:batch],
            "weights": weights[:batch],
            "valid": valid[:batch],
            "fallback": fallback[:batch],
            "candidate_masks": masks[:batch],
            "radiomics": radiomics,
        }

    def doubt(self, diagnosis_logits: Tensor, reliability: Tensor) -> Tensor:
        """1 where tempered logits (B, C) or the mask reliability (B, 1) are not to be trusted, else 0, shape (B, 1)."""
        positive = self.diagnosis_head.positive
        probability = torch.softmax(diagnosis_logits, dim=1)[:, positive : positive + 1]
        torn = (probability > self.indeterminate_band[0]) & (probability < self.indeterminate_band[1])
        return (torn.any(dim=1, keepdim=True) | (reliability < self.reliability_threshold)).to(reliability.dtype)

    @torch.jit.unused
    def diagnose(self, image: Tensor, inside: Tensor) -> dict[str, Tensor]:
        """The lesions of one image (3, S, S), by their mask probabilities: see :func:`diagnose_lesions`."""
        return diagnose_lesions(self, image, inside)

    @torch.jit.unused
    def respond(self, image: Tensor, prompter: nn.Module) -> Tensor:
        """The response map (B, 1, S/8, S/8), in [0, 1], to the fixed prompt of a prompter that may be another."""
        embedding, skip8, _, _ = self.image_encoder(standardize(image))
        position = self.prompt_encoder.pe_layer.grid(embedding.shape[2], embedding.shape[3])
        return torch.sigmoid(prompter(embedding, skip8, position, self.prompt_embedding)[0])

    def forward(self, image: Tensor) -> Tensor:
        """Lesion mask and diagnosis as one tensor, for export and servers.

        Args:
            image: values in [0, 1], shape (B, 3, S, S).

        Returns:
            Shape (B, 2 + C, S, S): gated lesion-mask logit; the logits of the C classes and the lesion-evidence logit
            as constant planes.
        """
        outputs = self.forward_named(image, None)
        planes: list[Tensor] = [outputs["gated_mask_logits"]]
        for logits in (outputs["diagnosis_logits"], outputs["lesion_logit"]):
            planes.append(logits.unsqueeze(-1).unsqueeze(-1).expand(-1, -1, image.shape[2], image.shape[3]))
        return torch.cat(planes, dim=1)
