"""A reference: what it learns, what the network then looks for, and which files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from scripts.errors import BundleError
from scripts.networks.one_shot import read_reference, register_references, see_references, show_reference
from scripts.networks.one_shot.features import fit_discriminant, own_threshold
from scripts.networks.one_shot.priors import gaussian_map, mask_moments


def spots(left: tuple[int, ...], size: int = 64) -> tuple[Tensor, Tensor]:
    """Noisy dark images with a bright spot of 24 pixels, and the spots' masks."""
    images = 0.2 + 0.05 * torch.rand(len(left), 3, size, size, generator=torch.Generator().manual_seed(1))
    masks = torch.zeros(len(left), 1, size, size)
    for mask, column in zip(masks, left, strict=True):
        mask[:, 24:48, column : column + 24] = 1
    return images + 0.6 * masks, masks


@pytest.fixture
def shown(make_network):
    """``shown(**options)``: a random network that was shown one spot on the left, and its reference."""

    def show(network=None, **options):
        network = make_network(**({"mirror": True} if options.pop("mirror", False) else {}))
        reference = register_references(network, *spots((4,)), gray=True, ridge=3.0)
        show_reference(network, reference, **options)
        return network, reference

    return show


@pytest.mark.parametrize("mirror", [False, True])
def test_what_a_reference_shows_is_found_elsewhere(shown, mirror: bool) -> None:
    network, _ = shown(mirror=mirror, share=0.1)
    images, masks = spots((36, 20))
    outputs = network.forward_named(images)
    found = outputs["gated_mask_logits"] > 0
    dice = 2 * (found & (masks > 0)).sum(dim=(1, 2, 3)) / (found.sum(dim=(1, 2, 3)) + masks.sum(dim=(1, 2, 3)))
    assert (dice > 0.7).all() and (outputs["lesion_logit"] > 0).all()
    assert (outputs["evidence_logit"] - outputs["match_logit"]).abs().max() < 1 or mirror
    assert network.diagnose(images[0], masks[:1])["reliability"].shape == (1, 1)


def test_where_nothing_looks_like_the_reference_there_is_no_lesion(shown) -> None:
    network, _ = shown()
    outputs = network.forward_named(spots(())[0].new_full((1, 3, 64, 64), 0.2))
    assert outputs["lesion_logit"] < 0 and outputs["gated_mask_logits"].max() <= -10


def test_what_was_fitted_to_the_known_images_is_forgotten(shown, make_network) -> None:
    network, _ = shown()
    assert not network.is_calibrated() and network.evidence_threshold == 0


def test_rcmeds_recipe_scales_as_it_says(shown, make_network) -> None:
    plain = make_network()
    network, reference = shown(recipe="rcmed")
    image = spots((20,))[0]
    with torch.no_grad():
        before, after = plain.image_encoder(image), network.image_encoder(image)
    ratio = (after[0] / before[0])[before[0].abs() > 1e-3]
    assert ratio.min() > 1 and ratio.max() < 1.3
    prior = gaussian_map(reference.moments, after[3].shape[-1])
    torch.testing.assert_close(after[3], before[3] * (1 + 0.5 * prior))


def test_a_prior_lies_where_the_mask_lies() -> None:
    _, masks = spots((4, 36))
    prior = gaussian_map(mask_moments(masks[:1]), 64)[0, 0]
    assert prior.argmax() // 64 in (35, 36) and prior.argmax() % 64 in (15, 16) and prior.max() > 0.99
    both = gaussian_map(mask_moments(masks), 64)[0, 0]
    torch.testing.assert_close(both, both.flip(-1), atol=1e-4, rtol=0)


def test_the_discriminant_is_0_halfway_between_both_means() -> None:
    features = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    inside = torch.zeros(2, 1, 8, 8)
    inside[..., :3, :3] = 1
    features[:, :2] += 2 * inside
    weights, bias = fit_discriminant([features[:, :2], features[:, 2:]], inside, 0.1)
    response = torch.einsum("bdhw,d->bhw", features, weights).unsqueeze(1) + bias
    lesion, surroundings = response[inside > 0].mean(), response[inside == 0].mean()
    torch.testing.assert_close(torch.stack([lesion, surroundings]), torch.tensor([3.0, -3.0]), atol=1e-3, rtol=0)


def test_a_coloured_reference_is_seen_in_every_position(make_network) -> None:
    network, (images, masks) = make_network(), spots((4,))
    gray, coloured = (see_references(network, images, masks, gray=gray) for gray in (True, False))
    assert gray.masks.shape[1] == 2 and coloured.masks.shape[1] == 8
    positions = {tuple(map(int, (view[0] > 0).nonzero()[0])) for view in coloured.masks[0]}
    assert len(positions) == 8 and all((view > 0).sum() == 24 * 24 for view in coloured.masks[0])
    for view, features in zip(coloured.masks[0], coloured.features[3][0], strict=True):  # the colours go with the mask
        inside = F.adaptive_avg_pool2d(view, features.shape[-2:])
        assert features[:, inside[0] == 1].mean() > features[:, inside[0] == 0].mean() + 1


def test_more_references_leave_less_to_the_decoder(make_network) -> None:
    def decoders_share(left: tuple[int, ...]) -> float:
        network = make_network()
        show_reference(network, register_references(network, *spots(left), gray=True, ridge=3.0), share=0.6)
        return network.mask_refiner.share

    assert [decoders_share(left) for left in ((4,), (4, 20, 30))] == pytest.approx([0.6, 0.2])


def test_an_images_own_threshold_follows_its_exposure() -> None:
    response = torch.full((1, 1, 10, 10), -4.0)
    response[..., :2, :2] = 2.0
    assert own_threshold(response).item() == pytest.approx(-1.0)
    assert own_threshold(response + 5).item() == pytest.approx(4.0)


def test_a_file_says_what_was_registered_and_is_refused_elsewhere(shown, make_network, tmp_path: Path) -> None:
    network = make_network()
    reference = register_references(network, *spots((4, 20)), gray=True, ridge=3.0)
    path = reference.save(tmp_path / "reference.pt")
    assert path.stat().st_size < 20_000
    again = read_reference(path, network, 64, True)
    assert again.images == 2 and again.digest == reference.digest
    torch.testing.assert_close(again.weights, reference.weights)
    with pytest.raises(BundleError, match="registered at --image_size 64"):
        read_reference(path, network, 96, True)
    with pytest.raises(BundleError, match="registered in gray, but images are read in colour; give --gray true"):
        read_reference(path, network, 64, False)
    next(network.image_encoder.parameters()).data.mul_(1.1)
    with pytest.raises(BundleError, match="registered with other weights"):
        read_reference(path, network, 64, True)
    (tmp_path / "other.pt").write_bytes(b"no reference")
    with pytest.raises(BundleError, match="is no reference file"):
        read_reference(tmp_path / "other.pt", network, 64, True)
    with pytest.raises(BundleError, match="does not exist"):
        read_reference(tmp_path / "absent.pt", network, 64, True)
