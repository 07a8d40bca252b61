"""Outlines on images, and the panel in TensorBoard."""

import torch
from ignite.engine import Engine
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from scripts.training import OutlinePanel
from scripts.training.outline_panel import draw_outlines


def test_an_outline_is_the_masks_border():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:6, 2:6] = 1
    drawn = draw_outlines(torch.zeros(1, 3, 8, 8), mask, (0, 255, 0))
    expected = mask.clone()
    expected[..., 3:5, 3:5] = 0
    assert torch.equal(drawn[:, 1:2], expected) and drawn[:, ::2].max() == 0


def test_one_panel_for_each_validation(tmp_path):
    def batch(engine, size):
        masks = torch.zeros(size, 1, 32, 32)
        masks[..., 8:16, 8:16] = 1
        pred = {"gated_mask_logits": masks * 20 - 10}
        return {"image": torch.rand(size, 3, 32, 32), "label": {"mask": masks}, "pred": pred}

    engine = Engine(batch)
    OutlinePanel(str(tmp_path), images=5).attach(engine)
    engine.run([3, 3, 3], max_epochs=2)
    events = EventAccumulator(str(tmp_path)).Reload()
    panels = events.Images(events.Tags()["images"][0])
    assert [panel.step for panel in panels] == [1, 2]
    assert (panels[0].width, panels[0].height) == (4 * 36 + 4, 2 * 36 + 4)
