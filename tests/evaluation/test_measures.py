"""What is measured on one case, against values computed by hand."""

import math

import pytest
import torch
from monai.metrics import compute_hausdorff_distance

from scripts.evaluation.measures import hausdorff95, measure_case, overlap


def square(top, left, side, shape=(30, 40)):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[top : top + side, left : left + side] = True
    return mask


EMPTY = torch.zeros(30, 40, dtype=torch.bool)


def test_overlap_of_two_squares():
    # 4 x 4 squares that share 2 x 4 pixels: Dice 2*8/32, IoU 8/24.
    assert overlap(square(5, 5, 4), square(7, 5, 4)) == pytest.approx((0.5, 1 / 3))


def test_overlap_with_an_empty_mask():
    assert overlap(EMPTY, square(5, 5, 4)) == (0, 0)
    assert all(math.isnan(value) for value in overlap(square(5, 5, 4), EMPTY))


def test_hausdorff_of_a_shift_is_the_shift_and_of_nothing_the_diagonal():
    assert hausdorff95(square(5, 5, 9), square(5, 8, 9)) == pytest.approx(3)
    assert hausdorff95(EMPTY, square(5, 5, 9)) == 50  # 30 x 40
    assert math.isnan(hausdorff95(square(5, 5, 9), EMPTY))


@pytest.mark.parametrize("corner", [(0, 0), (21, 31), (3, 31)])
def test_cropping_to_both_masks_changes_no_hausdorff_distance(corner):
    first, second = square(10, 12, 7), square(*corner, 9)
    whole = compute_hausdorff_distance(
        first[None, None].float(), second[None, None].float(), include_background=True, percentile=95
    )
    assert hausdorff95(first, second) == pytest.approx(whole.item())


def test_a_closed_gate_counts_zero_and_the_open_one_stands_beside_it():
    row = measure_case(
        EMPTY, square(5, 5, 4), square(7, 5, 4),
        probabilities={"malignancy_probability": 0.9}, indeterminate=1.0, reliability=0.4, lesion_evidence=-2.0,
    )
    assert (row["lesion_found"], row["dice"], row["iou"], row["hd95"]) == (0, 0, 0, 50)
    assert (row["dice_gate_off"], row["iou_gate_off"]) == pytest.approx((0.5, 1 / 3))
    assert (row["predicted_area"], row["true_area_px"]) == (0, 16)
    assert row["true_area"] == pytest.approx(16 / 1200)
