"""Items keep what is known about them through batches, workers and failures."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Lambda

from scripts.findings.batches import GuardedCompose, collate_items
from scripts.inference.background import Background


def test_items_of_any_shape_travel_through_a_loader() -> None:
    data = [
        {"image": MetaTensor(torch.full((3, 4, 4), float(row))), "row": row, "source": {"spacing": [0.1] * row},
         "picture": torch.zeros(1, 5 + row, 7)}
        for row in range(3)
    ]  # fmt: skip
    batches = list(DataLoader(Dataset(data), batch_size=2, num_workers=0, collate_fn=collate_items))
    assert [tuple(batch["image"].shape) for batch in batches] == [(2, 3, 4, 4), (1, 3, 4, 4)]
    items = [item for batch in batches for item in batch["items"]]
    assert [item["source"]["spacing"] for item in items] == [[], [0.1], [0.1, 0.1]]
    assert [item["picture"].shape[1] for item in items] == [5, 6, 7]
    assert all("image" not in item for item in items)


def test_what_a_loaders_process_sends_has_found_its_room_before(monkeypatch: pytest.MonkeyPatch) -> None:
    item = {"image": MetaTensor(torch.zeros(3, 4, 4)), "picture": MetaTensor(torch.ones(1, 5, 7)), "name": "a"}
    assert not collate_items([dict(item)])["items"][0]["picture"].is_shared()
    monkeypatch.setattr("scripts.findings.batches.get_worker_info", object)
    sent = collate_items([dict(item)])["items"][0]["picture"]
    assert sent.is_shared() and sent.sum() == 35


def _strict(item: dict[str, Any]) -> dict[str, Any]:
    if item["status"] == "ok" and item["value"] == 2:
        raise KeyError("a patient's name")
    return {**item, "seen": True}


def test_a_failing_item_passes_once_more_as_failed() -> None:
    guarded = GuardedCompose([Lambda(_strict)])
    assert guarded({"status": "ok", "reason": "", "value": 1})["status"] == "ok"
    failed = guarded({"status": "ok", "reason": "", "value": 2})
    assert failed == {"status": "failed", "reason": "INTERNAL_ERROR KeyError", "value": 2, "seen": True}


def test_an_item_that_always_fails_comes_out_marked() -> None:
    guarded = GuardedCompose([Lambda(lambda item: item["nothing"])])
    assert guarded({"value": 2}) == {"value": 2, "status": "failed", "reason": "INTERNAL_ERROR KeyError"}


def test_an_item_that_has_failed_before_keeps_its_reason() -> None:
    item = {"status": "failed", "reason": "TRUNCATED"}
    assert GuardedCompose([Lambda(lambda item: item["nothing"])])(item) == item


def _no_preparation() -> None:
    return None


@pytest.mark.parametrize("workers", [0, 1])
def test_background_work_comes_back_in_order(workers: int) -> None:
    background = Background(workers, _no_preparation)
    for number in range(5):
        if number % 2:
            background.pass_on(number, -number)
        else:
            background.submit(number, pow, number, 2)
    assert list(background.done(wait=True)) == [(0, 0), (1, -1), (2, 4), (3, -3), (4, 16)]
    background.submit("bad", int, "x") if workers else background.pass_on("bad", 0)
    if workers:
        with pytest.raises(ValueError):
            list(background.done(wait=True))
    background.close()
