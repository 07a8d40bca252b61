"""The words are true: analytic lesions get their terms, and a change of the scene changes exactly its own term."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scripts.errors import BundleError
from scripts.semantics import Morphology, describe_lesion
from scripts.semantics.lexicons.breast_ultrasound import Thresholds, make_lexicon

LEXICON = make_lexicon()
Scene = tuple[NDArray[np.float64], NDArray[np.bool_]]
Radius = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def ellipse(ratio: float) -> Radius:
    """Radius of an ellipse of unit area and the given axis ratio, its long axis along the columns."""
    return lambda angle: np.sqrt(ratio / ((ratio * np.cos(angle)) ** 2 + np.sin(angle) ** 2))


def polygon(corners: int) -> Radius:
    """Radius of a regular polygon."""
    sector = 2 * np.pi / corners
    return lambda angle: np.cos(sector / 2) / np.cos(angle % sector - sector / 2)


def spiked(ratio: float, count: int) -> Radius:
    """An ellipse with `count` narrow tips, each 0.4 radii long."""
    return lambda angle: ellipse(ratio)(angle) + 0.4 * np.clip(1 - np.abs((angle * count / np.pi) % 2 - 1) / 0.2, 0, 1)


def scalloped(ratio: float, count: int) -> Radius:
    """An ellipse with `count` small lobules."""
    return lambda angle: ellipse(ratio)(angle) + 0.14 * np.abs(np.cos(angle * count / 2))


def lens(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two arcs that meet in right angles on the left and on the right."""
    return np.sqrt(2.05**2 - (1.45 * np.cos(angle)) ** 2) - 1.45 * np.abs(np.sin(angle))


def bent(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth form of three broad lobes: no ellipse, no corner, no short undulation."""
    return 1 + 0.3 * np.cos(3 * angle)


def draw(
    radius: Radius,
    scale: float = 36.0,
    centre: tuple[float, float] = (0.3, 0.4),
    tilt: float = 0.0,
    inside: float = 0.25,
    shape: tuple[int, int] = (256, 256),
    seed: int = 0,
) -> Scene:
    """An image of even tissue with speckle, and a lesion of the given radius around its centre.

    Args:
        radius: distance of the outline from the centre by angle, in units of `scale` pixels.
        centre: row and column as shares of the image.
        tilt: degrees.
        inside: brightness in the lesion; the tissue has 0.5.
    """
    rows, columns = np.indices(shape)
    down, right = rows + 0.5 - centre[0] * shape[0], columns + 0.5 - centre[1] * shape[1]
    mask = np.hypot(down, right) <= scale * radius(np.arctan2(down, right) + np.radians(tilt))
    speckle = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.0)
    return np.where(mask, inside, 0.5) * (1 + 0.1 * speckle / speckle.std()), mask


@pytest.fixture
def lesion() -> Scene:
    """The plain lesion: what PLAIN says."""
    return draw(ellipse(0.55))


PLAIN = Morphology(
    LEXICON,
    dict(
        lesions="one",
        shape="oval",
        orientation="parallel",
        margin="circumscribed",
        echo="hypoechoic",
        posterior="no features",
        size="medium",
        depth="superficial",
        quadrant="upper left",
        tissue="homogeneous",
    ),
)


def changed(image: np.ndarray, mask: np.ndarray, thresholds: Thresholds = Thresholds()) -> dict[str, str]:
    """The terms in which a scene differs from the plain lesion."""
    terms = describe_lesion(image, mask, make_lexicon(thresholds)).morphology
    return {name: value for name, value in terms.items() if value != PLAIN[name]}


def test_plain_lesion(lesion: Scene) -> None:
    assert changed(*lesion) == {}


@pytest.mark.parametrize(
    ("radius", "terms"),
    [
        (ellipse(0.95), {"shape": "round", "orientation": "not parallel"}),
        (bent, {"shape": "irregular", "orientation": "not parallel"}),
        (lens, {"margin": "angular"}),
        (polygon(4), {"shape": "irregular", "orientation": "not parallel", "margin": "angular"}),
        (scalloped(0.55, 12), {"margin": "microlobulated"}),
        (spiked(0.55, 6), {"margin": "spiculated"}),
        (ellipse(0.25), {}),
    ],
    ids=["circle", "three broad lobes", "lens", "square", "scalloped ellipse", "spiked ellipse", "slender ellipse"],
)
def test_outlines(radius, terms: dict[str, str]) -> None:
    """Shape comes from the whole, margin from details: neither follows from the other."""
    found = changed(*draw(radius))
    found.pop("size", None)
    assert found == terms


@pytest.mark.parametrize("tilt", [0, 20, 70, 90, 110, 160])
def test_rotation_changes_orientation_alone(tilt: float) -> None:
    steep = 45 < tilt < 135
    assert changed(*draw(ellipse(0.55), tilt=tilt)) == ({"orientation": "not parallel"} if steep else {})


def test_flips_and_turns_of_the_image(lesion: Scene) -> None:
    image, mask = lesion
    assert changed(image[:, ::-1], mask[:, ::-1]) == {"quadrant": "upper right"}
    assert changed(image[::-1], mask[::-1]) == {"quadrant": "lower left", "depth": "deep"}
    turned = changed(np.rot90(image), np.rot90(mask))
    assert turned == {"quadrant": "lower left", "depth": "middle", "orientation": "not parallel"}


@pytest.mark.parametrize(("scale", "size"), [(20, "small"), (60, "large")])
def test_scaling_the_lesion_changes_size_alone(scale: float, size: str) -> None:
    assert changed(*draw(ellipse(0.55), scale)) == {"size": size}


def test_resolution_padding_and_gain_change_nothing(lesion: Scene) -> None:
    image, mask = lesion
    assert changed(ndimage.zoom(image, 2, order=1), ndimage.zoom(mask, 2, order=0)) == {}
    assert changed(image[::2, ::2], mask[::2, ::2]) == {}
    assert changed(np.pad(image, ((0, 90), (200, 0))), np.pad(mask, ((0, 90), (200, 0)))) == {}
    assert changed(0.6 * image, mask) == {}


def test_oblong_pixels_are_measured_square(lesion: Scene) -> None:
    image, mask = lesion
    squeezed = image[::2], mask[::2]
    assert describe_lesion(*squeezed, LEXICON, aspect=2.0).morphology == PLAIN
    assert describe_lesion(*squeezed, LEXICON).measurements["depth_to_width"] < 0.35


@pytest.mark.parametrize(
    ("inside", "echo"), [(0.01, "anechoic"), (0.25, "hypoechoic"), (0.53, "isoechoic"), (0.85, "hyperechoic")]
)
def test_brightness_changes_echo_alone(inside: float, echo: str) -> None:
    found = changed(*draw(ellipse(0.55), inside=inside))
    found.pop("margin", None)  # an isoechoic lesion without a rim has no border to be seen
    assert found == ({} if echo == "hypoechoic" else {"echo": echo})


def test_content_changes_echo_alone(lesion: Scene) -> None:
    image, mask = lesion
    rows, columns = np.indices(mask.shape)
    half = mask & (columns < np.argwhere(mask)[:, 1].mean())
    assert changed(np.where(half, 0.01, image), mask) == {"echo": "complex cystic and solid"}
    patches = ndimage.binary_erosion(mask, iterations=8) & ((rows // 12 + columns // 12) % 2 == 0)
    assert changed(np.where(patches, 0.7, image), mask) == {"echo": "heterogeneous"}


def test_what_lies_behind_changes_posterior_features_alone(lesion: Scene) -> None:
    image, mask = lesion
    behind = (np.cumsum(mask, axis=0) > 0) & ~mask
    left = np.arange(mask.shape[1]) < np.argwhere(mask)[:, 1].mean()
    for factor, term in ((0.65, "shadowing"), (1.5, "enhancement"), (np.where(left, 0.65, 1.5), "combined pattern")):
        assert changed(np.where(behind, image * factor, image), mask) == {"posterior": term}
    last = int(np.argwhere(mask)[:, 0].max()) + 3
    assert changed(image[:last], mask[:last])["posterior"] == "not assessed"


def test_blur_changes_margin_alone(lesion: Scene) -> None:
    image, mask = lesion
    assert changed(ndimage.gaussian_filter(image, 12), mask) == {"margin": "indistinct"}


def test_uneven_tissue_and_further_lesions(lesion: Scene) -> None:
    image, mask = lesion
    further = draw(ellipse(0.9), 18, centre=(0.8, 0.8), inside=0.2)
    assert changed(np.where(further[1], further[0], image), mask | further[1]) == {"lesions": "several"}
    blotches = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=mask.shape), 12)
    uneven = np.where(mask, image, image * np.exp(0.5 * blotches / blotches.std()))
    assert changed(np.clip(uneven, 0, 1), mask)["tissue"] == "heterogeneous"


def test_no_lesion_says_nothing_of_one(lesion: Scene) -> None:
    image, mask = lesion
    morphology, measurements = describe_lesion(image, np.zeros_like(mask), LEXICON)
    assert morphology == Morphology(LEXICON, {"lesions": "none", "tissue": "homogeneous"})
    assert {name for name, value in measurements.items() if np.isfinite(value)} == {"lesions", "tissue_spread"}


def test_thresholds_are_configurable(lesion: Scene) -> None:
    assert changed(*lesion, Thresholds(parallel_ratio=0.4)) == {"orientation": "not parallel"}
    assert changed(*lesion, Thresholds(small_size=0.5, large_size=0.6)) == {"size": "small"}


@pytest.mark.parametrize("case", ["pixel", "pixel in the corner", "row", "whole image", "black image"])
def test_degenerate_masks_are_described(case: str) -> None:
    image, mask = np.full((64, 80), 0.5), np.zeros((64, 80))
    if case == "black image":
        image[:] = 0
    where = {"pixel": (30, 40), "pixel in the corner": (63, 79), "row": (30,), "whole image": (), "black image": (5, 5)}
    mask[where[case]] = 1
    morphology, measurements = describe_lesion(image, mask, LEXICON)
    assert morphology["lesions"] == "one" and morphology["shape"] and morphology["margin"]
    unmeasured = {name for name, value in measurements.items() if not np.isfinite(value)}
    assert unmeasured <= {"shadowed_share", "enhanced_share"}


def test_image_and_mask_that_do_not_fit() -> None:
    with pytest.raises(BundleError, match=r"image is \(64, 64\), its mask \(32, 64\)"):
        describe_lesion(np.zeros((64, 64)), np.zeros((32, 64)), LEXICON)
    with pytest.raises(BundleError, match="not finite"):
        describe_lesion(np.full((64, 64), np.nan), np.zeros((64, 64)), LEXICON)


def test_fast_enough_for_training(lesion: Scene) -> None:
    """Below 20 ms of processor time at 256 pixels; the bound leaves room for a busy machine."""
    describe_lesion(*lesion, LEXICON)
    start = time.process_time()
    for _ in range(10):
        describe_lesion(*lesion, LEXICON)
    assert (time.process_time() - start) / 10 < 0.06
