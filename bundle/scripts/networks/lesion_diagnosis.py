"""Several lesions in one image: each is diagnosed by its own mask, box and radiomics."""

from __future__ import annotations

import torch
from monai.networks.utils import eval_mode
from torch import Tensor, nn
from torch.nn import functional as F

from .boxes import box_masks
from .encoders.blocks import standardize
from .mirroring import as_views, mean_of_views


@torch.no_grad()
def diagnose_lesions(network: nn.Module, image: Tensor, inside: Tensor) -> dict[str, Tensor]:
    """Diagnose the lesions of one image in one batch.

    As in :meth:`RadVLSM.forward_named`, but the one candidate of each lesion is the box of its mask.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        image: values in [0, 1], shape (3, S, S).
        inside: mask probability of each lesion, shape (N, 1, S, S); above the network's mask threshold somewhere.

    Returns:
        ``diagnosis_logits``, ``y_sam``, ``y_rad`` (N, C), ``reliability``, ``indeterminate`` (N, 1) and ``radiomics``
        (N, R), on the CPU; what they mean is as in :meth:`RadVLSM.forward_named`.
    """
    device = network.prompt_embedding.device
    image, inside = image.to(device).unsqueeze(0), inside.to(device)
    number, size, mirrored = inside.shape[0], image.shape[-1], network.mirror
    mask = (inside > network.mask_threshold).to(image.dtype)
    boxes = _boxes_of(mask[:, 0]).unsqueeze(1)
    if mirrored:
        flipped = boxes[..., [2, 1, 0, 3]]
        flipped[..., 0::2] = size - flipped[..., 0::2]
        boxes = torch.cat([boxes, flipped])
    with eval_mode(network):
        embedding, skip8, skip4, _ = network.image_encoder(standardize(as_views(image, mirrored)))
        position = network.prompt_encoder.pe_layer.grid(embedding.shape[2], embedding.shape[3])
        response = torch.sigmoid(
            network.semantic_prompter(embedding, skip8, position, network.prompt_embedding)[0]
        )
        # Every lesion in the first view, then every lesion in the second.
        embedding, skip8, skip4, response = (
            maps.repeat_interleave(number, dim=0) for maps in (embedding, skip8, skip4, response)
        )
        box_logits = box_masks(boxes, size, 4 * embedding.shape[2])
        sparse, dense = network.prompt_encoder(boxes.flatten(0, 1), box_logits, (size, size))
        masks, regions, quality = network.mask_decoder(embedding, position, sparse, dense, (skip8, skip4))
        views = as_views(inside, mirrored)
        weights = torch.ones_like(quality)
        _, iou_logit = network.evidence_gate(
            embedding,
            response,
            network.candidate_boxes.contrast(response.float(), boxes * (response.shape[-1] / size)),
            network.reliability.semantic(regions, network.prompt_embedding),
            torch.sigmoid(quality),
            masks,
            torch.logit(F.adaptive_avg_pool2d(views, masks.shape[-2:]), eps=1e-4),
            weights,
            weights,
        )
        radiomics = network.radiomics(image.expand(number, -1, -1, -1), mask)
        logits = network.diagnosis_head(
            embedding,
            F.adaptive_avg_pool2d(views, embedding.shape[-2:]),
            boxes * (embedding.shape[-1] / size),
            regions,
            weights,
            radiomics.to(embedding.dtype).repeat(2 if mirrored else 1, 1),
        )
    y, y_sam, y_rad = (mean_of_views(values, mirrored) for values in logits)
    reliability = torch.sigmoid(mean_of_views(iou_logit, mirrored))
    outputs = {
        "diagnosis_logits": y / network.diagnosis_temperature,
        "y_sam": y_sam,
        "y_rad": y_rad,
        "reliability": reliability,
        "indeterminate": network.doubt(y / network.diagnosis_temperature, reliability),
        "radiomics": radiomics,
    }
    return {name: values.float().cpu() for name, values in outputs.items()}


def _boxes_of(masks: Tensor) -> Tensor:
    """Boxes x1, y1, x2, y2 of masks (N, S, S), none of them empty: shape (N, 4), in pixels."""
    boxes = []
    for mask in masks:
        rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
        boxes.append(torch.stack([columns[0, 0], rows[0, 0], columns[-1, 0] + 1, rows[-1, 0] + 1]))
    return torch.stack(boxes).to(masks.dtype)
