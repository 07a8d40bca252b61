"""A coloured picture and a mask in, measurements out: for sites that are no ultrasound."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from scripts.errors import BundleError

from .color import measure_colors, measure_contrast, measure_cutoff
from .echo import measure_border
from .form import measure_form
from .patch import cut_patch, separate_lesions, square_pixels
from .place import find_field, measure_place
from .symmetry import measure_symmetry

#: Every measurement by name, NaN where there is no lesion.
MEASUREMENTS = tuple(
    "lesions ellipse_overlap axis_ratio depth_to_width spicules corners notches unfolded_major unfolded_minor "
    "blurred_border abrupt_segments colors hue brightness redness roughness relative_size relative_depth "
    "relative_column".split()
)


def measure_colored_lesion(image: ArrayLike, mask: ArrayLike, aspect: float = 1.0) -> dict[str, float]:
    """Measure the largest lesion of a mask.

    Args:
        image: red, green and blue, shape (3, H, W), values in [0, 1]; a single channel counts as gray. Border rows and
            columns of pure zeros are padding and do not count as image.
        mask: the lesions, 0/1, shape (H, W).
        aspect: row spacing over column spacing.

    Returns:
        Numbers by the names of `MEASUREMENTS`, none with a unit.

    Raises:
        BundleError: image and mask do not fit each other or hold no numbers.
    """
    image, mask = np.asarray(image, np.float32), np.asarray(mask)
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.shape[1:] != mask.shape:
        raise BundleError(f"The image is {image.shape}, its mask {mask.shape}; give both the same rows x columns.")
    if not (np.isfinite(image).all() and np.isfinite(mask).all()):
        raise BundleError("The image or its mask holds values that are not finite; check the file.")
    image = np.broadcast_to(image, (3, *mask.shape))
    field = find_field(image.max(axis=0))
    squared = [square_pixels(channel[field], mask[field], aspect) for channel in image]
    lesion, count = separate_lesions(squared[0][1])
    measured = dict.fromkeys(MEASUREMENTS, float("nan")) | {"lesions": count}
    if count:
        channels = [channel for channel, _ in squared]
        patch = cut_patch(np.mean(channels, axis=0), lesion)
        colors = np.stack([cut_patch(channel, lesion).image for channel in channels], axis=-1)
        measured |= measure_form(patch) | measure_symmetry(patch) | measure_border(patch) | measure_cutoff(patch)
        measured |= measure_colors(patch, colors) | measure_contrast(patch, colors) | measure_place(lesion)
    return measured
