"""Images with several lesions: the network is asked about each by itself."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import Transform
from scipy import ndimage
from torch import Tensor, nn

from scripts.errors import BundleError
from scripts.sites import Classes

from .measurements import connected_parts


class DiagnoseLesionsd(Transform):
    """Where a mask has several parts, diagnose each; the image then has the answer of the most suspicious, no speck.

    Reads ``image`` (3, S, S), ``pred`` (the outputs of one image), the mask (1, rows, columns) on the native grid, and
    ``source``. An image with several lesions gets ``lesion_outputs``, those of each lesion, largest first, with
    ``speck``, bool; and in ``pred`` those of the lesion that is most likely of the positive class (the largest, where
    the site has no classes) in place of the united mask's; the mask's reliability stays that of the united mask. Any
    other image stays as it is.

    Args:
        network: a :class:`scripts.networks.RadVLSM`; one that cannot ``diagnose`` leaves every image as it is.
        classes: what a lesion can be.
        mask_key: the mask whose parts are the lesions. With that before the evidence gate, an image that the gate
            empties has the answer that it would have without a gate.
        speck_share: a lesion below this share of the largest one's area is a speck, 0..1: it is diagnosed, but has no
            say in the image's answer.

    Raises:
        BundleError: the share is none.
    """

    def __init__(
        self, network: nn.Module, classes: Classes, mask_key: str = "mask", speck_share: float = 0.05
    ) -> None:
        if not 0 <= speck_share <= 1:
            raise BundleError(f"--speck_share is {speck_share}; choose a share of the largest lesion, 0 to 1.")
        self.network, self.classes, self.mask_key, self.speck_share = network, classes, mask_key, speck_share

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        outputs, mask = item["pred"], torch.as_tensor(item[self.mask_key])[0].cpu().numpy() > 0
        parts = list(connected_parts(mask))
        if len(parts) < 2 or not hasattr(self.network, "diagnose"):
            return item
        united = torch.sigmoid(outputs["mask_logits"].float().cpu())
        inside = separate(united, mask.shape, parts, item["source"]["crop"])
        told = self.network.diagnose(torch.as_tensor(item["image"]), inside)
        areas = np.array([np.count_nonzero(part) for _, part in parts])
        told["speck"] = torch.from_numpy(areas < self.speck_share * areas.max())
        item["lesion_outputs"] = [{name: values[i] for name, values in told.items()} for i in range(len(parts))]
        chosen = item["lesion_outputs"][self._most_suspicious(told)]
        item["pred"] = {**outputs, **chosen, "reliability": outputs["reliability"]}
        return item

    def _most_suspicious(self, told: Mapping[str, Tensor]) -> int:
        if not self.classes.names:
            return 0
        suspicion = torch.softmax(told["diagnosis_logits"].double(), dim=1)[:, self.classes.positive_index]
        return int(suspicion.masked_fill(told["speck"], -1.0).argmax())


def separate(
    inside: Tensor,
    shape: tuple[int, int],
    parts: Sequence[tuple[tuple[int, int, int, int], np.ndarray]],
    crop: Sequence[int],
) -> Tensor:
    """The network's mask probability, cut up among the lesions: each pixel goes to the lesion that is nearest.

    Args:
        inside: probabilities of the united mask, shape (1, S, S).
        shape: rows and columns of the file.
        parts: boxes and masks of at least two lesions in the file's grid, see :func:`connected_parts`.
        crop: top, left, bottom, right of the analysed region in that grid, pixels.

    Returns:
        Shape (N, 1, S, S), in the order of the parts; they sum up to the united mask.
    """
    labels = np.zeros(shape, np.int64)
    for number, ((top, left, bottom, right), part) in enumerate(parts, start=1):
        labels[top:bottom, left:right][part] = number
    labels = labels[crop[0] : crop[2], crop[1] : crop[3]]
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    labels, size = labels[tuple(nearest)], inside.shape[-1]
    scale = max(labels.shape) / size
    places = []
    for side in labels.shape:
        before = (size - round(side / scale)) // 2  # where ResizeWithPadOrCrop puts what it pads
        places.append(np.clip(((np.arange(size) - before + 0.5) * scale).astype(int), 0, side - 1))
    own = torch.from_numpy(labels[np.ix_(*places)])
    masks = torch.stack([inside * (own == number) for number in range(1, len(parts) + 1)])
    # A lesion that is less than a pixel here still has its most likely one.
    best = masks.flatten(1).argmax(dim=1, keepdim=True)
    peaks = masks.flatten(1).gather(1, best).clamp(min=0.51)
    return masks.flatten(1).scatter(1, best, peaks).reshape(masks.shape)
