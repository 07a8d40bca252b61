"""A request's question, answered by the closed loop in words and masks."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.transforms import Transform

from scripts.errors import BundleError, find_bundle_error

#: The bundle's own folder: a served copy shares its scripts, but has neither language model nor loop.
BUNDLE = Path(__file__).resolve().parents[2]


class AnswerQuestion(Transform):
    """Where a request has a ``question``, the lesions that the answer draws take the place of the default's mask.

    Args:
        weights: those that the request was answered with; the loop must stand on them.
        preprocessing: what has loaded the image, and is undone for the masks.
        options: of language.json that differ, such as another ``closed_loop``.

    Raises:
        BundleError: when called, if the packages of requirements-language.txt or a trained loop are missing, if the
            loop stands on other weights, or if the question is empty or too long.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str],
        preprocessing: Callable[..., Any],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.weights, self.preprocessing, self.options = str(weights), preprocessing, dict(options or {})
        self._answerer: partial[Any] | None = None

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """``pred`` and ``told`` of the answer; an item without a question stays as it is."""
        item = dict(data)
        question = item.get("question")
        if question is None:
            return item
        if not isinstance(question, str):
            raise BundleError(f'A question is a text, not {type(question).__name__}; send {{"question": "..."}}.')
        told = self._make_answerer()(question=question)(item)
        mask = torch.zeros_like(torch.as_tensor(item["pred"]))
        boxes = []
        for lesion in told.masks:
            mask[torch.from_numpy(lesion)] = 1
            rows, columns = np.nonzero(lesion)
            edges = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) if len(rows) else ()
            boxes.append([int(edge) for edge in edges])
        item["pred"] = mask
        item["told"] = {
            "question": question,
            "answer": told.text,
            "answer_boxes": boxes,
            "answer_diagnoses": list(told.diagnoses),
            "contradictions": list(told.doubts),
        }
        return item

    def _make_answerer(self) -> partial[Any]:
        if self._answerer is None:
            from monai.bundle import ConfigParser

            files = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "language")]
            parser = ConfigParser(ConfigParser.load_config_files(files), globals={"loaded_by": self.preprocessing})
            parser.update({"bundle_root": str(BUNDLE), "weights": self.weights, "preprocessing": "$loaded_by"})
            parser.update({**self.options, "answerer#_mode_": "callable"})
            try:
                self._answerer = parser.get_parsed_content("answerer")
            except RuntimeError as error:  # MONAI's, around the sentence
                raise find_bundle_error(error) or error from error
        return self._answerer
