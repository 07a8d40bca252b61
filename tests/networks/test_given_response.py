"""A response map from elsewhere than the text: where it points, candidates are made and masks are drawn."""

import pytest
import torch

from scripts.networks.given_response import segment_response


@torch.no_grad()
@pytest.mark.parametrize("mirror", [False, True])
def test_candidates_come_from_the_map_that_is_given(make_network, mirror, monkeypatch):
    network = make_network().eval()
    network.mirror = mirror
    seen, propose = [], network.candidate_boxes.forward
    monkeypatch.setattr(network.candidate_boxes, "forward", lambda *of: seen.append(propose(*of)) or seen[-1])
    image, response = torch.rand(1, 3, 64, 64), torch.full((2, 64, 64), -8.0)
    response[0, 8:24, 8:24] = response[1, 40:56, 32:56] = 8
    prompter = network.semantic_prompter
    masks = segment_response(network, image.expand(2, -1, -1, -1), response)
    assert masks.shape == (2, 64, 64) and not torch.equal(masks[0], masks[1])
    boxes, _, valid, _ = seen[0]
    for one, (low_x, low_y, high_x, high_y) in zip((0, 1), ((8, 8, 24, 24), (32, 40, 56, 56)), strict=True):
        box = boxes[one, 0]
        assert valid[one, 0] and box[0] <= low_x and box[1] <= low_y and box[2] >= high_x and box[3] >= high_y
        assert box[2] - box[0] <= 3 * (high_x - low_x)
    if mirror:  # the mirror view's box is the mirrored one
        assert torch.allclose(boxes[2, 0, [2, 0]], 64 - boxes[0, 0, [0, 2]])
    assert network.semantic_prompter is prompter
