"""Going on from last.pt: what was learned is restored, the configuration rules, another network or list is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ignite.engine import Engine, Events
from monai.optimizers import WarmupCosineSchedule
from torch import nn

from scripts.errors import BundleError
from scripts.training import LastWeights, ResumableCheckpoint

LIST = [{"image": f"/a/{i}.png", "label": [f"/a/{i}_mask.png"], "group": i, "diagnosis": "benign"} for i in range(6)]


class Training:
    """A training of a few numbers; ``rates`` are the learning rates that its steps were taken with."""

    def __init__(
        self, folder: Path, epochs: int = 2, batch_size: int = 2, lr: float = 0.01, weight_decay: float = 0.01,
        warmup: int = 0, resume: bool = False, width: int = 3, items: list[dict[str, Any]] = LIST,
    ) -> None:  # fmt: skip
        torch.manual_seed(0)
        length = len(items) // batch_size
        self.network = nn.Linear(width, 1)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=lr, weight_decay=weight_decay)
        self.schedule = WarmupCosineSchedule(self.optimizer, warmup_steps=warmup * length, t_total=epochs * length)
        self.rates: list[float] = []
        self.engine = Engine(self.step)
        self.engine.state.max_epochs, self.engine.state.epoch_length = epochs, length
        objects = {"network": self.network, "optimizer": self.optimizer, "lr_scheduler": self.schedule}
        self.engine.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: self.schedule.step())
        ResumableCheckpoint(str(folder), objects, resume, items).attach(self.engine)

    def step(self, engine: Engine, batch: int) -> None:
        self.rates.append(self.optimizer.param_groups[0]["lr"])
        self.optimizer.zero_grad()
        self.network(torch.ones(1, self.network.in_features)).sum().backward()
        self.optimizer.step()

    def run(self) -> Training:
        if self.engine.state.epoch < self.engine.state.max_epochs:
            self.engine.run(range(self.engine.state.epoch_length), max_epochs=self.engine.state.max_epochs)
        return self


def test_an_interrupted_training_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = Training(tmp_path / "whole", epochs=3, warmup=1).run()
    half = Training(tmp_path / "half", epochs=3, warmup=1)
    half.engine.add_event_handler(Events.EPOCH_COMPLETED(once=1), lambda engine: engine.terminate())
    half.run()
    rest = Training(tmp_path / "half", epochs=3, warmup=1, resume=True).run()
    assert half.rates + rest.rates == pytest.approx(whole.rates)
    assert torch.equal(rest.network.weight, whole.network.weight)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    epochs=st.integers(1, 6),
    batch_size=st.sampled_from([1, 2, 3]),
    lr=st.floats(1e-6, 1e-1),
    weight_decay=st.floats(0, 1),
    warmup=st.integers(0, 1),
)
def test_whatever_is_asked_for_on_resuming_is_done(
    tmp_path: Path, epochs: int, batch_size: int, lr: float, weight_decay: float, warmup: int
) -> None:
    Training(tmp_path, epochs=2).run()
    moments = torch.load(tmp_path / "last.pt", weights_only=True)["optimizer"]["state"][0]["exp_avg"]
    asked = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "weight_decay": weight_decay, "warmup": warmup}
    resumed = Training(tmp_path, resume=True, **asked)
    assert resumed.engine.state.epoch == 2 and resumed.engine.state.max_epochs == epochs
    assert torch.equal(resumed.optimizer.state_dict()["state"][0]["exp_avg"], moments)
    assert resumed.optimizer.param_groups[0]["weight_decay"] == weight_decay
    resumed.run()
    fresh = Training(tmp_path / "fresh", **asked).run()
    assert resumed.rates == pytest.approx(fresh.rates[2 * (len(LIST) // batch_size) :])
    assert resumed.rates == sorted(resumed.rates, reverse=True), "a rate that rises follows the old schedule"


def test_what_is_used_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Training(tmp_path).run()
    with caplog.at_level(logging.INFO):
        Training(tmp_path, epochs=4, lr=1e-5, weight_decay=0.5, resume=True)
    assert "resumed after epoch 2 of 4: learning rate 5e-06, weight decay 0.5" in caplog.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"width": 4}, r"is of another network: weight is \(1, 3\) instead of \(1, 4\)\. Resume with the network"),
        ({"items": LIST[:4]}, r"another data list \(6 images, here 4\); resume with the same list"),
        ({"items": [{**LIST[0], "diagnosis": "malignant"}, *LIST[1:]]}, "another data list"),
    ],
    ids=["network", "images", "diagnosis"],
)
def test_what_cannot_change_is_refused_by_name(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    Training(tmp_path).run()
    with pytest.raises(BundleError, match=sentence):
        Training(tmp_path, resume=True, **change)


def test_a_list_may_have_moved_and_older_checkpoints_know_none(tmp_path: Path) -> None:
    Training(tmp_path).run()
    moved = [{**item, "image": item["image"].replace("/a/", "/b/")} for item in LIST]
    assert Training(tmp_path, epochs=3, resume=True, items=moved).run().engine.state.epoch == 3
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    del state["data"]
    torch.save(state, tmp_path / "last.pt")
    Training(tmp_path, resume=True, items=LIST[:4])


def test_a_missing_or_broken_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match='no checkpoint ".*last.pt" to resume'):
        Training(tmp_path, resume=True)
    (tmp_path / "last.pt").write_bytes(b"half a file")
    with pytest.raises(BundleError, match='"[^"]*last.pt" cannot be read'):
        Training(tmp_path, resume=True)


def test_without_validation_the_last_average_is_kept(tmp_path: Path) -> None:
    network, engine = nn.Linear(2, 1), Engine(lambda engine, batch: None)
    LastWeights(network, str(tmp_path)).attach(engine)
    engine.run([0])
    assert torch.equal(torch.load(tmp_path / "model.pt", weights_only=True)["weight"], network.weight)
