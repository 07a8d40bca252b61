"""Mask and image in, measurements and terms out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from scripts.errors import BundleError
from scripts.semantics.lexicon import Lexicon, Morphology

from .echo import measure_border, measure_echo, measure_posterior
from .form import measure_form
from .patch import cut_patch, separate_lesions, square_pixels
from .place import find_field, measure_place, measure_tissue

#: Every measurement by name; a description holds all of them, NaN where there is nothing to measure.
MEASUREMENTS = tuple(
    "lesions ellipse_overlap axis_ratio depth_to_width spicules corners notches blurred_border echo_brightness "
    "clear_share solid_share echo_spread shadowed_share enhanced_share relative_size relative_depth relative_column "
    "tissue_spread".split()
)


class Description(NamedTuple):
    """A lesion in terms, and the unit-free measurements that they rest on."""

    morphology: Morphology
    measurements: dict[str, float]


def describe_lesion(image: ArrayLike, mask: ArrayLike, lexicon: Lexicon, aspect: float = 1.0) -> Description:
    """Describe the largest lesion of a mask, or the image around it alone where the mask is empty.

    Args:
        image: channels, shape (C, H, W), values in [0, 1]; or one, (H, W).
        mask: as of `measure_lesion`.
        lexicon: what is measured, and the words for it.
        aspect: row spacing over column spacing.

    Raises:
        BundleError: image and mask do not fit each other or hold no numbers.
    """
    image = np.asarray(image)
    if image.ndim == 3 and not lexicon.colored:
        image = image.mean(axis=0)
    measured = lexicon.measure(image, mask, aspect, lexicon.thresholds)
    return Description(Morphology(lexicon, lexicon.choose(measured, lexicon.thresholds)), measured)


def measure_lesion(
    image: ArrayLike, mask: ArrayLike, aspect: float = 1.0, brightness_step: float = 0.25
) -> dict[str, float]:
    """Measure the largest lesion of a mask, or the tissue alone where the mask is empty.

    Args:
        image: one grey channel, shape (H, W), values in [0, 1], the skin at the top. Border rows and columns of pure
            zeros are padding and do not count as image.
        mask: the lesions, 0/1, shape (H, W).
        aspect: row spacing over column spacing.
        brightness_step: change of brightness behind the lesion that counts, as a logarithm.

    Returns:
        Numbers by the names of `MEASUREMENTS`, none with a unit.

    Raises:
        BundleError: image and mask do not fit each other or hold no numbers.
    """
    image, mask = np.asarray(image, np.float32), np.asarray(mask)
    if image.ndim != 2 or image.shape != mask.shape:
        raise BundleError(f"The image is {image.shape}, its mask {mask.shape}; give both the same rows x columns.")
    if not (np.isfinite(image).all() and np.isfinite(mask).all()):
        raise BundleError("The image or its mask holds values that are not finite; check the file.")
    field = find_field(image)
    image, mask = square_pixels(image[field], mask[field], aspect)
    lesion, count = separate_lesions(mask)
    measured = dict.fromkeys(MEASUREMENTS, float("nan")) | {"lesions": count} | measure_tissue(image, mask)
    if count:
        patch = cut_patch(image, lesion)
        measured |= measure_form(patch) | measure_border(patch) | measure_echo(patch)
        measured |= measure_posterior(patch, brightness_step) | measure_place(lesion)
    return measured
