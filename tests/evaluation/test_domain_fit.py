"""Images like the training images lie within the limit, images of another kind beyond it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image
from scipy import ndimage

from scripts.evaluation.domain_fit import domain_distances, domain_features, fit_domain, reformat, set_domain
from scripts.sites import load_site

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
CLASSES = load_site("breast_ultrasound", BUNDLE).classes


def picture(draw: np.random.Generator, smooth: float) -> np.ndarray:
    """Speckle of one kind or another."""
    noise = ndimage.gaussian_filter(draw.normal(size=(64, 64)), smooth)
    return np.uint8(255 * (noise - noise.min()) / np.ptp(noise))


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "inference.json")
    torch.manual_seed(0)
    return parser.get_parsed_content("network_def").eval()


def as_image(item: dict) -> dict:
    values = np.asarray(Image.open(item["image"]), np.float32) / 255
    return {"image": torch.from_numpy(values).expand(3, -1, -1)}


def test_an_unlike_image_is_beyond_the_limit_and_new_images_of_the_kind_are_within(tmp_path, network) -> None:
    draw = np.random.default_rng(0)
    sections = {}
    for section, number in (("training", 40), ("validation", 20)):
        sections[section] = []
        for i in range(number):
            Image.fromarray(picture(draw, 2.0)).save(tmp_path / f"{section}{i}.png")
            Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / f"{section}{i}_empty.png")
            item = {"image": f"{section}{i}.png", "label": [f"{section}{i}_empty.png"], "diagnosis": "normal"}
            sections[section].append(item)
    (tmp_path / "datalist.json").write_text(json.dumps(sections))

    told = fit_domain(network, tmp_path, CLASSES, as_image)
    assert told["images"] == 40 and told["unknown"] == {tmp_path.name: 0.0}
    with torch.no_grad():
        for smooth, unlike in ((2.0, False), (0.3, True), (8.0, True)):
            values = [torch.from_numpy(picture(draw, smooth).astype(np.float32) / 255) for _ in range(4)]
            distance = network.forward_named(torch.stack(values).unsqueeze(1).expand(-1, 3, -1, -1))["domain_distance"]
            assert ((distance > 1) == unlike).all(), (smooth, distance)


def test_the_limit_leaves_room_beyond_the_farthest_set(network) -> None:
    draw = np.random.default_rng(0)
    near, far = draw.normal(size=(500, network.domain.FEATURES)), draw.normal(size=(100, network.domain.FEATURES)) * 1.5
    set_domain(network, near.astype(np.float32), [near, far], margin=1.7)
    distances = domain_distances(network, far.astype(np.float32))
    assert np.quantile(distances, 0.98) == pytest.approx(1 / 1.7, rel=1e-3)


def test_no_image_has_no_features(network) -> None:
    assert domain_features(network, [], as_image).shape == (0, network.domain.FEATURES)


def test_how_a_camera_frames_its_images_is_no_part_of_their_kind():
    image = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)) + 0.1
    whole, middle, wide, tall = (reformat(image, turn) for turn in range(4))
    assert torch.equal(whole, image) and torch.equal(reformat(image, 4), image)
    assert middle.min() > 0 and middle.shape == image.shape
    assert wide[:, :4].max() == 0 and wide[:, 28:].max() == 0 and torch.equal(wide[:, 4:28], image[:, 4:28])
    assert torch.equal(tall, reformat(image.transpose(1, 2), 2).transpose(1, 2))
