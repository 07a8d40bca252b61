"""Adapters: small files beside default weights that stay as they are."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn

from scripts.errors import BundleError
from scripts.networks import (
    DiagnosisHead,
    RadVLSM,
    adapt,
    find_adapter,
    load_default,
    load_site_weights,
    load_weights,
    save_adapter,
)
from scripts.radiomics import TorchRadiomics


@pytest.fixture
def colored(make_network) -> RadVLSM:
    """A network of another site: colours among its descriptors, no classes."""
    radiomics = TorchRadiomics(color=True)
    return make_network(radiomics=radiomics, diagnosis_head=DiagnosisHead(len(radiomics.names), num_classes=0))


@pytest.fixture
def default(make_network, tmp_path: Path) -> Path:
    """A default weights file; normalisation with statistics of its own."""
    network = make_network()
    for buffer in network.buffers():
        if buffer.is_floating_point() and buffer.dim() == 1:
            buffer.uniform_(0.5, 1.5)
    path = tmp_path / "models" / "model.pt"
    path.parent.mkdir()
    torch.save(network.state_dict(), path)
    return path


def train(network: nn.Module, steps: int = 2) -> nn.Module:
    """Move everything that may learn, and the statistics of normalisation."""
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.05)
    network.train()
    for step in range(steps):
        image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(step))
        outputs = network.forward_named(image)
        loss = outputs["mask_logits"].square().mean() + outputs["candidate_masks"].square().mean()
        optimizer.zero_grad()
        (loss + outputs["response_logits"].square().mean()).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    return network.eval()


@pytest.fixture
def adapter(colored: RadVLSM, default: Path, tmp_path: Path) -> tuple[RadVLSM, Path]:
    """A trained network of the other site, and its file beside the default weights."""
    network = train(adapt(load_default(deepcopy(colored), default), rank=4))
    return network, save_adapter(network, default, "elsewhere", tmp_path / "models" / "adapters" / "elsewhere.pt")


def test_an_adapter_begins_as_the_default_and_large_weights_stay(make_network, default: Path) -> None:
    image = torch.rand(1, 3, 64, 64)
    network = load_weights(make_network(), default).eval()
    with torch.no_grad():
        before = network(image)
        adapt(network, rank=4)
        assert torch.equal(network(image), before)
    weights = {name: p.requires_grad for name, p in network.named_parameters()}
    assert not any(trained for name, trained in weights.items() if name.endswith(".original"))
    assert sum(name.endswith(".original") for name in weights) > 40
    frozen = sum(p.numel() for p in network.parameters() if not p.requires_grad)
    assert frozen > 3 * sum(p.numel() for p in network.parameters() if p.requires_grad)


def test_a_merged_adapter_answers_as_the_trained_network(colored: RadVLSM, default: Path, adapter: tuple) -> None:
    trained, path = adapter
    loaded = load_site_weights(deepcopy(colored), default, path, "elsewhere").eval()
    assert not any(nn.utils.parametrize.is_parametrized(module) for module in loaded.modules())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(loaded(image), trained(image), atol=0.05)
        assert not torch.allclose(loaded(image), load_default(deepcopy(colored), default).eval()(image), atol=0.05)
    assert path.stat().st_size < default.stat().st_size / 3


def test_nothing_of_the_default_is_forgotten(make_network, default: Path, colored: RadVLSM, adapter: tuple) -> None:
    """The same bits before an adapter is trained and loaded, and after it."""
    image, content = torch.rand(2, 3, 64, 64), default.read_bytes()

    def answer() -> dict[str, torch.Tensor]:
        with torch.no_grad():
            return load_weights(make_network(), default).eval().forward_named(image)

    before = answer()
    load_site_weights(deepcopy(colored), default, adapter[1], "elsewhere")
    after = answer()
    assert default.read_bytes() == content
    assert all(torch.equal(after[name], values) for name, values in before.items())


def test_the_adapter_of_a_site_lies_beside_its_weights(default: Path, adapter: tuple) -> None:
    assert find_adapter(default, "elsewhere") == adapter[1]
    assert find_adapter(default, "nowhere") is None
    assert find_adapter(default.parents[1] / "own.pt", "elsewhere") is None


def test_an_adapter_of_other_weights_is_refused(colored: RadVLSM, default: Path, adapter: tuple) -> None:
    other = default.with_name("other.pt")
    torch.save({**torch.load(default), "evidence_threshold": torch.tensor(0.5)}, other)
    with pytest.raises(BundleError, match="was trained on other default weights than .*other.pt"):
        load_site_weights(colored, other, adapter[1], "elsewhere")


def test_what_is_no_adapter_or_of_another_site_is_named(colored: RadVLSM, default: Path, adapter: tuple) -> None:
    with pytest.raises(BundleError, match="is of the site elsewhere; give --site elsewhere"):
        load_site_weights(colored, default, adapter[1], "breast_ultrasound")
    with pytest.raises(BundleError, match="is no adapter"):
        load_site_weights(colored, default, default)
    with pytest.raises(BundleError, match="does not exist; check --adapter"):
        load_site_weights(colored, default, default.with_name("gone.pt"))
    default.with_name("text.pt").write_text("no file of torch")
    with pytest.raises(BundleError, match="cannot be read"):
        load_site_weights(colored, default, default.with_name("text.pt"))


def test_an_adapter_of_another_network_is_refused(make_network, default: Path, adapter: tuple) -> None:
    with pytest.raises(BundleError, match="does not fit this network: .*diagnosis_head"):
        load_site_weights(make_network(), default, adapter[1], "elsewhere")
