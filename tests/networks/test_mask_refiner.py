"""The refiner changes nothing until it has learned, and then holds what S/4 cannot."""

import torch
from torch.nn import functional as F

from scripts.networks import MaskRefiner


def test_untrained_it_is_the_fused_mask():
    fused, detail = torch.randn(2, 1, 8, 8) * 20, torch.randn(2, 16, 16, 16)
    expected = F.interpolate(fused, scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(MaskRefiner()(fused, detail), expected)


def test_it_learns_an_outline_finer_than_the_fused_mask():
    torch.manual_seed(0)
    fine = torch.zeros(1, 1, 32, 32)
    fine[:, :, 7:18, 9:16] = 1
    detail = torch.cat([fine, torch.randn(1, 15, 32, 32)], dim=1)
    fused = torch.logit(F.avg_pool2d(fine, 2).clamp(0.1, 0.9))
    refiner = MaskRefiner()
    optimizer = torch.optim.Adam(refiner.parameters(), lr=0.01)
    losses = []
    for _ in range(150):
        loss = F.binary_cross_entropy_with_logits(refiner(fused, detail), fine)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4
    assert ((refiner(fused, detail) > 0) == (fine > 0.5)).all()
