"""Training on from a checkpoint: the average begins with it, normalisation stays."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import nn

from scripts.training import FreezeNorms, MovingAverage


def test_the_average_begins_with_what_was_loaded_at_the_start():
    network = nn.Linear(2, 1)
    average = MovingAverage(network, momentum=0.5)
    engine = Engine(lambda engine, batch: network.weight.data.add_(1.0))
    engine.add_event_handler(Events.STARTED, lambda engine: network.weight.data.fill_(7.0))
    average.attach(engine)
    engine.run([0])
    assert torch.allclose(average.ema_model.weight, torch.full((1, 2), 7.5))


def test_the_average_of_a_resumed_training_is_kept():
    network = nn.Linear(2, 1)
    average = MovingAverage(network, momentum=0.5)
    average.ema_model.weight.data.fill_(3.0)
    network.weight.data.fill_(5.0)
    engine = Engine(lambda engine, batch: None)
    average.attach(engine)
    engine.load_state_dict({"epoch_length": 1, "max_epochs": 2, "iteration": 1})
    engine.run([0], max_epochs=2)
    assert torch.allclose(average.ema_model.weight, torch.full((1, 2), 4.0))


def test_frozen_normalisation_neither_uses_nor_learns_the_batch():
    network = nn.Sequential(nn.BatchNorm1d(3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    FreezeNorms(network).attach(Engine(lambda engine, batch: None))
    image = torch.full((1, 3), 9.0)  # one image: normalisation by the batch would raise
    assert torch.allclose(network.train()(image), image, atol=1e-3)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
