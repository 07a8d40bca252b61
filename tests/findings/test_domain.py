"""What is unlike the training images is skipped with a reason, or analysed with a note where that was asked for."""

import pytest
import torch

from scripts.findings import JudgeDomaind

REASON = "OUT_OF_DOMAIN unlike the knee images that the network knows"


@pytest.mark.parametrize(
    ("distance", "any_image", "before", "told"),
    [
        (0.0, False, "ok", ("ok", "SPACING_UNKNOWN", None)),
        (0.9, False, "ok", ("ok", "SPACING_UNKNOWN", False)),
        (1.1, False, "ok", ("skipped", f"{REASON} (--any_image true analyses it); SPACING_UNKNOWN", True)),
        (1.1, True, "ok", ("ok", f"{REASON}; SPACING_UNKNOWN", True)),
        (1.1, False, "failed", ("failed", "SPACING_UNKNOWN", True)),
    ],
)
def test_the_row_says_it(distance: float, any_image: bool, before: str, told: tuple) -> None:
    item = {
        "pred": {"domain_distance": torch.tensor([distance])}, "status": before, "reason": "SPACING_UNKNOWN",
    }  # fmt: skip
    item = JudgeDomaind("knee", any_image)(item)
    assert (item["status"], item["reason"], item["out_of_domain"]) == told


def test_a_network_that_measures_no_distance_says_nothing() -> None:
    item = JudgeDomaind("knee")({"pred": {}})
    assert item == {"pred": {}, "out_of_domain": None}
