"""A pasted lesion is a whole one, in the picture, beside the own one, and nothing else changes."""

import torch

from scripts.training.pasting import paste_lesions


def batch(size=96):
    """Bright pictures with a margin of padding and a dark disc each; the last one without a lesion."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    image, mask = torch.full((4, 3, size, size), 0.6), torch.zeros(4, 1, size, size)
    for i, (row, column, radius) in enumerate(((30, 30, 8), (60, 40, 12), (50, 60, 6))):
        mask[i, 0] = ((rows - row) ** 2 + (columns - column) ** 2 < radius**2).float()
        image[i] = torch.where(mask[i] > 0, 0.1 + 0.1 * i, image[i])
    image[..., :10, :] = 0
    return image, mask


def test_the_next_images_lesion_appears_whole_and_apart():
    torch.manual_seed(0)
    image, mask = batch()
    changed, pasted = paste_lesions(image, mask, prob=1.0)
    assert pasted.flatten(1).any(1).tolist() == [True, True, False, False], "donor and recipient must show a lesion"
    for i in (0, 1):
        assert pasted[i].sum() == mask[i + 1].sum()
        assert not (pasted[i] * mask[i]).any() and not pasted[i][:, :10].any()
        inside = changed[i, 0][pasted[i, 0] > 0]
        assert (inside - (0.2 + 0.1 * i)).abs().median() < 0.05, "it looks as it did"
        torch.testing.assert_close(changed[i][mask[i].expand(3, -1, -1) > 0], image[i][mask[i].expand(3, -1, -1) > 0])
    assert torch.equal(changed[2:], image[2:])
    assert (changed[:, :, :10] == 0).all(), "padding stays empty"


def test_nothing_is_pasted_without_a_place_or_a_chance():
    image, mask = batch()
    assert torch.equal(paste_lesions(image, mask, prob=0.0)[0], image)
    crowded = torch.ones_like(mask)
    changed, pasted = paste_lesions(image, crowded, prob=1.0)
    assert torch.equal(changed, image) and not pasted.any()
