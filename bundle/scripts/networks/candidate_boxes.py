"""Response map -> K candidate boxes, in tensor operations alone (scriptable, exportable, batched)."""


import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .boxes import box_iou, grow, random_boxes, rasterize


def connected_components(mask: Tensor) -> Tensor:
    """Label 8-connected components by iterated max-pooling.

    Each foreground cell starts with its own index and takes the largest among its neighbours, h + w times: enough
    for any component whose inner paths are not longer than that.

    Args:
        mask: 0 or 1, shape (N, h, w).

    Returns:
        Labels, 0 outside and > 0 inside, shape (N, h, w), float.
    """
    n, height, width = mask.shape
    index = torch.arange(1, height * width + 1, device=mask.device, dtype=torch.float32).reshape(1, 1, height, width)
    foreground = mask.to(torch.float32).unsqueeze(1)
    labels = index * foreground
    for _ in range(height + width):
        labels = F.max_pool2d(labels, 3, 1, 1) * foreground
    return labels.squeeze(1)












def descending(scores: Tensor) -> Tensor:
    """Order of each row of (B, N), best first, ties in their old order, on every device and in every runtime.

    Counting who comes before whom: sorts differ in their ties, and ONNX has no stable one.
    """
    slots = torch.arange(scores.shape[1], device=scores.device)
    mine, other = scores.unsqueeze(2), scores.unsqueeze(1)
    before = (other > mine) | ((other == mine) & (slots.unsqueeze(0) < slots.unsqueeze(1)))
    place = before.sum(dim=2)
    return torch.zeros_like(place).scatter(1, place, slots.expand_as(place))


class CandidateBoxes(nn.Module):
    """Several thresholds of the response map, their components, boxes with margins, non-maximum suppression.

    In training mode, slots without a candidate hold random boxes instead of the whole image. They are not valid, so
    nothing is fused from them, but the decoder learns that a box elsewhere means another mask, and reliability that
    there are wrong candidates: a confident map proposes too few of them.

    Args:
        num_candidates: K.
        thresholds: fractions of the map's maximum.
        components_per_threshold: components kept of each thresholded map, by peak.
        margins: widenings of a component's box on each side, as fractions of its size; a confident map has the same
            components at every threshold, so boxes with more and less surroundings make the candidates differ.
        floor: a map whose maximum stays below this is flat: the whole image is the one candidate.
        nms_iou: of two boxes that overlap more than this the one with less contrast is dropped.
    """

    def __init__(
        self,
        num_candidates: int = 5,
        thresholds: tuple[float, ...] = (0.05, 0.2, 0.5, 0.8),
        components_per_threshold: int = 3,
        margins: tuple[float, ...] = (0.0, 0.4),
        floor: float = 0.05,
        nms_iou: float = 0.6,
    ) -> None:
        super().__init__()
        self.num_candidates = num_candidates
        self.register_buffer("thresholds", torch.tensor(thresholds, dtype=torch.float32), persistent=False)
        self.components_per_threshold = components_per_threshold
        self.margins = list(margins)
        self.floor = floor
        self.nms_iou = nms_iou

    thresholds: Tensor

    def propose(self, response: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes in cells of every component kept, shape (B, P, 4), and whether each exists, (B, P)."""
        batch, _, height, width = response.shape
        peak = response.amax(dim=(2, 3), keepdim=True)
        levels = self.thresholds.reshape(1, -1, 1, 1) * peak
        foreground = ((response >= levels) & (peak > self.floor)).reshape(-1, height, width)
        count = self.thresholds.shape[0]
        values = response.expand(-1, count, -1, -1).reshape(-1, height, width)
        labels = connected_components(foreground)
        remaining = foreground
        boxes: list[Tensor] = []
        exists: list[Tensor] = []
        for _ in range(self.components_per_threshold):
            best, at = torch.where(remaining, values, torch.full_like(values, -1.0)).flatten(1).max(dim=1)
            label = labels.flatten(1).gather(1, at.unsqueeze(1)).unsqueeze(2)
            component = (labels == label) & remaining
            rows, columns = component.any(dim=2).float(), component.any(dim=1).float()
            top, left = rows.argmax(dim=1), columns.argmax(dim=1)
            bottom = height - rows.flip([1]).argmax(dim=1)
            right = width - columns.flip([1]).argmax(dim=1)
            boxes.append(torch.stack([left, top, right, bottom], dim=1).float())
            exists.append(best > 0)
            remaining = remaining & ~component
        shape = (batch, count * self.components_per_threshold)
        return torch.stack(boxes, dim=1).reshape(shape[0], shape[1], 4), torch.stack(exists, dim=1).reshape(shape)

    def contrast(self, response: Tensor, boxes: Tensor) -> Tensor:
        """Mean response inside a box minus that of the ring around it, shape (B, N), in [-1, 1].

        Large pale regions win on mean response alone; a lesion stands out from what surrounds it.
        """
        height, width = response.shape[2], response.shape[3]
        inside = rasterize(boxes, height, width)
        ring = rasterize(grow(boxes, 0.25, 1.0, height, width), height, width) - inside
        mean_inside = (inside * response).sum(dim=(2, 3)) / inside.sum(dim=(2, 3)).clamp(min=1.0)
        mean_ring = (ring * response).sum(dim=(2, 3)) / ring.sum(dim=(2, 3)).clamp(min=1.0)
        return mean_inside - mean_ring

    def forward(self, response: Tensor, image_size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Propose K boxes.

        Args:
            response: response map in [0, 1], shape (B, 1, h, w); what is finer than S/8 is averaged to that.
            image_size: S, pixels.

        Returns:
            boxes x1, y1, x2, y2 in pixels (B, K, 4), best first; scores (B, K), the contrast of each; valid (B, K),
            0 or 1, at least one per image; fallback (B, 1), 1 where the map is flat and the one box is the image.
        """
        # Boxes are places, not quantities: nothing is learned through them.
        response = response.detach().float()
        if response.shape[2] > image_size // 8:  # a finer map is not worth the steps that its components take
            response = F.adaptive_avg_pool2d(response, [image_size // 8, image_size // 8])
        batch, _, height, width = response.shape
        boxes, exists = self.propose(response)
        scores = torch.where(exists, self.contrast(response, boxes), torch.full_like(boxes[..., 0], -2.0))
        widened: list[Tensor] = []
        for margin in self.margins:
            widened.append(grow(boxes, margin, 0.25, height, width))
        boxes = torch.cat(widened, dim=1)
        scores, exists = scores.repeat(1, len(self.margins)), exists.repeat(1, len(self.margins))
        order = descending(scores)
        scores, exists = scores.gather(1, order), exists.gather(1, order)
        boxes = boxes.gather(1, order.unsqueeze(-1).expand(-1, -1, 4))

        overlap = box_iou(boxes) > self.nms_iou
        slots = torch.arange(boxes.shape[1], device=boxes.device)
        keep = torch.zeros_like(exists)
        for i in range(boxes.shape[1]):
            free = exists[:, i] & ~(overlap[:, i] & keep).any(dim=1)
            keep = keep | (free.unsqueeze(1) & (slots == i).unsqueeze(0))

        ranked = torch.where(keep, scores, torch.full_like(scores, -3.0))
        missing = self.num_candidates - ranked.shape[1]
        if missing > 0:
            ranked = F.pad(ranked, [0, missing], value=-3.0)
            boxes = F.pad(boxes, [0, 0, 0, missing])
        best = descending(ranked)[:, : self.num_candidates]
        scores = ranked.gather(1, best)
        boxes = boxes.gather(1, best.unsqueeze(-1).expand(-1, -1, 4)) * (float(image_size) / float(height))
        valid = scores > -1.5

        fallback = ~valid.any(dim=1, keepdim=True)
        first = (torch.arange(self.num_candidates, device=boxes.device) == 0).unsqueeze(0)
        whole = torch.zeros_like(boxes)
        whole[..., 2:] = float(image_size)
        unused = random_boxes(boxes, image_size) if self.training else whole
        boxes = torch.where(valid.unsqueeze(-1), boxes, torch.where((fallback & first).unsqueeze(-1), whole, unused))
        scores = torch.where(valid, scores, torch.zeros_like(scores))
        valid = valid | (fallback & first)
        return boxes, scores, valid.to(scores.dtype), fallback.to(scores.dtype)
