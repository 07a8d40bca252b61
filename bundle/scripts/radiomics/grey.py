"""Grey levels of the lesion's pixels: discretisation, pairs of neighbours, percentiles."""

from typing import NamedTuple

import torch
from torch import Tensor

from .lesion_rows import Lesions, per_row


class Grey(NamedTuple):
    """Grey levels of B lesions with P pixels in all, in row-major order, image after image."""

    # (B, 4, bins + 1, bins + 1), how often a level meets another to the right, below, below right and below left; level
    # 0 is outside the lesion.
    pairs: Tensor
    value: Tensor  # (P,), image value
    fine: Tensor  # (P,) int64, bin of the fine histogram, counted on from image to image
    fine_bins: int  # per image
    flat: Tensor  # (B, 1) bool, lesions of one value


def grey_levels(lesions: Lesions, bins: int = 32, fine_bins: int = 512) -> Grey:
    """Discretise the lesion's values to a fixed bin number between its own extremes (IBSI K15C), and count neighbours.

    The edges are those of `numpy.histogram`, as in pyradiomics with `binCount`; a flat lesion falls into one bin. Edges
    are float64 always: 8-bit values often lie exactly on one.

    Args:
        lesions: the lesions' rows.
        bins: number of grey levels.
        fine_bins: number of bins of the fine histogram, which has no influence on any value.
    """
    images, side = lesions.count.shape[0], bins + 1
    outside = (1 - lesions.inside).mul_(1e30)
    low = (lesions.value + outside).amin(1).index_select(0, lesions.place.flatten()).view(images, -1)
    high = outside.neg_().add_(lesions.value).amax(1).index_select(0, lesions.place.flatten()).view(images, -1)
    low, high = low.amin(1, keepdim=True).to(torch.float64), high.amax(1, keepdim=True).to(torch.float64)
    flat = high <= low
    one_bin = flat.to(torch.float64)
    edges = per_row(lesions, torch.cat([low - 0.5 * one_bin, (high - low + one_bin) / bins], 1))
    origin, step = edges[:, 0:1], edges[:, 1:2]

    position = (lesions.value - origin.to(lesions.value.dtype)).mul_((1 / step).to(lesions.value.dtype))
    image = lesions.image.to(torch.int32).unsqueeze(1)
    fine = (position * (fine_bins / bins)).to(torch.int32).clamp_(0, fine_bins - 1).add_(image * fine_bins).flatten()
    # The division rounds: stay just below, and step up past the edge itself, as a histogram does.
    below = position.sub_(1e-4).floor_().add_(1)
    level = (below * step).add_(origin).neg_().add_(lesions.value).floor_().clamp_(-1, 0).add_(below)
    level = level.to(torch.int32).clamp_(0, bins - 1).add_(1).mul_(lesions.inside.to(torch.int32))
    first = (level * side).add_(image * (side * side)).flatten()

    stride = level.shape[1]
    level = level.flatten()
    cell = torch.nonzero(level).squeeze(1)
    first = first.index_select(0, cell)
    value = lesions.value.flatten().index_select(0, cell)
    one = torch.ones_like(value)
    empty = torch.zeros([images * side * side], dtype=value.dtype, device=value.device)
    pairs = [
        empty.scatter_add(0, level[away:].index_select(0, cell).add_(first).to(torch.int64), one)
        for away in [1, stride, stride + 1, stride - 1]
    ]
    pairs = torch.stack(pairs).view(4, images, side, side).transpose(0, 1)
    return Grey(pairs, value, fine.index_select(0, cell).to(torch.int64), fine_bins, flat)


def percentiles(grey: Grey, count: Tensor) -> Tensor:
    """10th, 25th, 50th, 75th and 90th percentile per lesion, linear interpolation, (B, 5).

    A histogram tells which bins hold the wanted ranks; only their pixels are sorted.

    Args:
        grey: from `grey_levels`.
        count: (B, 1) pixels per lesion.
    """
    images, bins, dtype = count.shape[0], grey.fine_bins, grey.value.dtype
    share = torch.tensor([[10, 25, 50, 75, 90]], device=count.device).to(torch.float64) / 100
    place = share * (count - 1).clamp(min=0)
    below = torch.floor(place)
    rank = torch.cat([below, torch.ceil(place)], 1).to(dtype)

    histogram = torch.zeros([images * bins], dtype=dtype, device=count.device)
    histogram = histogram.scatter_add(0, grey.fine, torch.ones_like(grey.value)).view(images, bins)
    up_to = histogram.cumsum(1)
    # Of whole numbers a and b, a + 1 - b clamped to 0..1 is 1 where b <= a.
    bin_index = (rank.unsqueeze(2) + 1 - up_to.unsqueeze(1)).clamp_(0, 1).sum(2).to(torch.int64).clamp(0, bins - 1)
    wanted = torch.zeros_like(histogram).scatter(1, bin_index, 1.0)
    rank = rank - (histogram * (1 - wanted)).cumsum(1).gather(1, bin_index)

    found = torch.nonzero(wanted.flatten().index_select(0, grey.fine)).squeeze(1)
    # One more element, so that there is something to point at when no image has a lesion.
    value = torch.nn.functional.pad(grey.value.index_select(0, found), [0, 1])
    size = (histogram * wanted).sum(1, keepdim=True).to(torch.int64)
    slot = torch.arange(int(size.max().clamp(min=1).item()), device=count.device).unsqueeze(0)
    index = size.cumsum(0) - size + torch.where(slot < size, slot, 0)
    ranked = value.index_select(0, index.flatten()).view(images, -1)
    ranked = ranked.masked_fill(slot >= size, float("inf")).sort(1)[0]
    chosen = ranked.gather(1, rank.to(torch.int64).clamp(0, ranked.shape[1] - 1))
    lower, upper = chosen[:, :5], chosen[:, 5:]
    return lower + (place - below).to(dtype) * (upper - lower)
