"""Images travel in batches, what is known about them does not: the two are kept apart, whatever their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine
from monai.data import decollate_batch
from monai.data.utils import collate_meta_tensor
from monai.engines.utils import IterationEvents
from monai.transforms import Compose
from torch.utils.data import get_worker_info


def collate_items(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Stack the images and keep all else as it is; MONAI's collation needs equal shapes and no empty values.

    Args:
        items: each with ``image`` (C, S, S).

    Returns:
        ``image`` (B, C, S, S) and ``items``, the B items without it.

    Raises:
        RuntimeError: in a loader's process, if the shared memory is full.
    """
    if get_worker_info() is not None:
        # Sent without this, a batch that finds no room is lost without a word, and the run waits for it in vain.
        for value in (value for item in items for value in item.values() if isinstance(value, torch.Tensor)):
            value.share_memory_()
    return {
        "image": collate_meta_tensor([item["image"] for item in items]),
        "items": [{key: value for key, value in item.items() if key != "image"} for item in items],
    }


class DecollateItems:
    """Undo :func:`collate_items` after the forward pass, before MONAI's postprocessing (with ``decollate`` off)."""

    def attach(self, engine: Engine) -> None:
        """Add this to an evaluator."""
        engine.add_event_handler(IterationEvents.FORWARD_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Make lists of items of the engine's batch and output."""
        batched = {name: values.cpu() for name, values in engine.state.output["pred"].items()}
        images, outputs = decollate_batch(engine.state.output["image"]), decollate_batch(batched)
        engine.state.batch = engine.state.batch["items"]
        engine.state.output = [
            {"image": image, "pred": output} for image, output in zip(images, outputs, strict=True)
        ]


class GuardedCompose(Compose):
    """Transforms that never stop a run: an item they fail on goes on as failed.

    A failed item passes once more, marked ``status`` failed, so that loading transforms can put a blank image in its
    place; where that fails too it comes out as it went in, but for the mark. One that came in as failed keeps its
    own reason.
    """

    def __call__(self, input_: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(input_, *args, **kwargs)
        except Exception as error:  # noqa: BLE001  one patient's file must not cost the others theirs
            if input_.get("status", "ok") != "ok":
                return input_
            cause = error.__cause__ or error
            failed = {**input_, "status": "failed", "reason": f"INTERNAL_ERROR {type(cause).__name__}"}
        try:
            return super().__call__(failed, *args, **kwargs)
        except Exception:  # noqa: BLE001
            return failed


def byte_picture(image: torch.Tensor) -> torch.Tensor:
    """An image in [0, 1] as uint8 in 0..255, same shape."""
    return (torch.as_tensor(image).clamp(0, 1) * 255.0).round().to(torch.uint8)
