"""Candidates on drawn response maps."""

import torch

from scripts.networks import CandidateBoxes
from scripts.networks.boxes import box_iou, box_masks
from scripts.networks.candidate_boxes import connected_components


def draw(*discs, size=32):
    """A response map with Gaussian blobs (row, column, sigma, peak)."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    response = torch.zeros(size, size)
    for row, column, sigma, peak in discs:
        distance = (rows - row) ** 2 + (columns - column) ** 2
        response = torch.maximum(response, peak * torch.exp(-distance / (2 * sigma**2)))
    return response[None, None]


def test_two_blobs_are_two_candidates():
    propose = CandidateBoxes(num_candidates=5).eval()
    boxes, scores, valid, fallback = propose(draw((8, 8, 3, 0.9), (24, 22, 2, 0.7)), 256)
    centres = (boxes[0, :, :2] + boxes[0, :, 2:]) / 2
    kept = valid[0] > 0
    for row, column in ((8, 8), (24, 22)):
        target = torch.tensor([(column + 0.5) * 8, (row + 0.5) * 8])
        assert ((centres[kept] - target).norm(dim=1) < 10).any()
    assert fallback.item() == 0
    assert (scores[0][kept].diff() <= 0).all(), "best first"
    overlap = box_iou(boxes)[0][kept][:, kept]
    assert (overlap.tril(-1) <= 0.6).all(), "candidates must differ"


def test_a_confident_blob_still_gives_candidates_that_differ():
    response = (draw((14, 15, 4, 1.0)) > 0.5).float()
    boxes, _, valid, _ = CandidateBoxes(num_candidates=5).eval()(response, 256)
    assert valid.sum() >= 2
    assert box_iou(boxes)[0, 0, 1] <= 0.6


def test_contrast_ranks_a_small_bright_lesion_before_a_large_pale_region():
    response = draw((10, 10, 2, 0.8), (26, 18, 9, 0.6))
    assert response[..., 16:, :].mean() > response[..., :16, :].mean()
    boxes, *_ = CandidateBoxes().eval()(response, 256)
    x1, y1, x2, y2 = boxes[0, 0].tolist()
    assert x1 < 84 < x2 and y1 < 84 < y2 and y2 < 150


def test_flat_map_falls_back_to_the_whole_image():
    for level in (0.0, 0.04):
        boxes, scores, valid, fallback = CandidateBoxes().eval()(torch.full((1, 1, 32, 32), level), 256)
        assert fallback.item() == 1
        assert valid.tolist() == [[1, 0, 0, 0, 0]]
        assert boxes[0, 0].tolist() == [0, 0, 256, 256]
        assert scores.abs().max() == 0


def test_boxes_stay_inside_the_image():
    boxes, _, valid, _ = CandidateBoxes().eval()(draw((0, 0, 4, 0.9), (31, 31, 4, 0.9)), 256)
    assert boxes.min() >= 0 and boxes.max() <= 256
    kept = boxes[valid > 0]
    assert (kept[:, 2] > kept[:, 0]).all() and (kept[:, 3] > kept[:, 1]).all()
    assert (kept[:, :2] == 0).all(dim=1).any() and (kept[:, 2:] == 256).all(dim=1).any()


def test_components_agree_with_scipy():
    from scipy import ndimage

    torch.manual_seed(0)
    for density in (0.3, 0.5, 0.7):
        mask = torch.rand(32, 32) < density
        labels = connected_components(mask[None])[0]
        expected, count = ndimage.label(mask.numpy(), structure=[[1] * 3] * 3)
        if density != 0.5:  # at the percolation threshold paths may be longer than the map is wide
            assert len(labels.unique()) == count + 1
        for label in labels.unique()[1:]:
            assert len(torch.from_numpy(expected)[labels == label].unique()) == 1


def test_batched_equals_one_by_one():
    maps = torch.cat([draw((8, 8, 3, 0.9)), draw((20, 9, 5, 0.4), (5, 25, 2, 0.8)), torch.zeros(1, 1, 32, 32)])
    propose = CandidateBoxes(num_candidates=3).eval()
    together = propose(maps, 128)
    for i in range(3):
        for a, b in zip(together, propose(maps[i : i + 1], 128), strict=True):
            assert torch.equal(a[i : i + 1], b)


def test_in_training_unused_slots_hold_random_boxes_that_count_for_nothing():
    torch.manual_seed(0)
    propose, response = CandidateBoxes(num_candidates=5), draw((14, 15, 4, 1.0))
    quiet = propose.eval()(response, 256)
    boxes, scores, valid, _ = propose.train()(response, 256)
    assert torch.equal(valid, quiet[2]) and torch.equal(scores, quiet[1])
    used = valid[0] > 0
    assert 1 <= used.sum() < 5 and torch.equal(boxes[0, used], quiet[0][0, used])
    unused = boxes[0, ~used]
    sides = unused[:, 2:] - unused[:, :2]
    assert (unused >= 0).all() and (unused <= 256).all() and (sides > 256 / 13).all() and (sides <= 128).all()
    assert not torch.equal(propose(response, 256)[0], boxes), "others each time"


def test_a_box_as_a_coarse_mask():
    mask = box_masks(torch.tensor([[[16.0, 32, 48, 64], [0, 0, 128, 128]]]), 128, 32)
    assert mask.shape == (2, 1, 32, 32)
    assert (mask[0, 0, 8:16, 4:12] > 0).all() and (mask[0] > 0).sum() == 64 and (mask[1] > 0).all()
    assert mask.abs().unique().numel() == 1
