"""Distances to the training images: 0 until they are fitted, above 1 for what is unlike, forgotten by training."""

import torch

from scripts.networks.checkpoints import load_heads, load_weights
from scripts.networks.training_domain import TrainingDomain


def maps_of(scale: float, batch: int = 3) -> tuple[torch.Tensor, ...]:
    return tuple(scale * torch.randn(batch, channels, 8, 8) for channels in (64, 32, 16))


def test_nothing_is_far_until_it_is_fitted_and_nothing_stays_known_after_training() -> None:
    torch.manual_seed(0)
    domain, near = TrainingDomain(), maps_of(1.0)
    assert not domain.is_fitted() and domain(*near).tolist() == [[0.0]] * 3
    domain.center.copy_(domain.features(*near).mean(dim=0))
    domain.whitening.copy_(torch.eye(domain.FEATURES))
    far = maps_of(5.0)
    assert domain.is_fitted() and (domain(*near) < domain(*far)).all()
    assert torch.allclose(torch.jit.script(domain)(*far), domain(*far))
    domain.forget()
    assert not domain.is_fitted() and domain(*far).tolist() == [[0.0]] * 3


def test_an_image_with_its_mirror_image_has_one_distance(make_network) -> None:
    torch.manual_seed(0)
    network, image = make_network().eval(), torch.rand(2, 3, 64, 64)
    network.domain.whitening.copy_(torch.eye(network.domain.FEATURES))
    alone = network.forward_named(image)["domain_distance"]
    network.mirror = True
    both = network.forward_named(image)["domain_distance"]
    assert alone.shape == both.shape == (2, 1) and torch.allclose(alone, both, rtol=1e-4)
    assert (alone > 0).all()


def test_weights_from_before_the_distance_load_and_say_nothing_of_it(make_network, tmp_path) -> None:
    network = make_network()
    state = {name: value for name, value in network.state_dict().items() if not name.startswith("domain.")}
    torch.save(state, tmp_path / "old.pt")
    for load in (load_weights, load_heads):
        other = make_network()
        load(other, tmp_path / "old.pt")
        assert not other.domain.is_fitted()
    network.domain.whitening.fill_(1.0)
    torch.save(network.state_dict(), tmp_path / "new.pt")
    assert load_weights(make_network(), tmp_path / "new.pt").domain.is_fitted()
    assert not load_heads(make_network(), tmp_path / "new.pt").domain.is_fitted(), "another encoder's features"
