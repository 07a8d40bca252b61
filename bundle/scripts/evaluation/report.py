"""The handler that turns an evaluator's outputs into case table, summary and page."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine
from monai.utils import convert_to_tensor

from scripts.epochs import EpochHandler
from scripts.errors import BundleError
from scripts.findings import read_answer
from scripts.sites import Classes

from .bootstrap import Bootstrap
from .cases import CaseTable
from .measures import measure_case
from .metrics import METRICS
from .page import evaluation_markdown
from .summary import summarise


class EvaluationReport(EpochHandler):
    """Measures every case on its native grid; at the end writes ``cases.csv``, ``evaluation.json``, ``evaluation.md``.

    With the names of the descriptors, ``radiomics.csv`` too: what the diagnosis was made from, gate on or off.

    The true mask comes from the item at its native size, because labels that are resized for the network measure
    another mask. Items travel by :func:`scripts.findings.collate_items`; the evaluator's postprocessing leaves the
    native masks in each output.

    Args:
        output_dir: where the files go.
        classes: what the lesions can be, in the order of the network's logits.
        mask_key: the emitted mask (evidence gate on), shape (1, H, W), 0 or 1, native grid.
        gate_off_key: the fused mask before the gate, same form.
        label_key: in the item, the true mask, same form; beside it ``dataset``, ``group`` and ``diagnosis``.
        about: what was evaluated, by name, for the head of the tables.
        descriptors: names of the network's radiomics.
        bootstrap: how intervals are drawn.
    """

    def __init__(
        self,
        output_dir: str | Path,
        classes: Classes,
        mask_key: str = "mask",
        gate_off_key: str = "mask_gate_off",
        label_key: str = "label",
        about: Mapping[str, Any] | None = None,
        descriptors: Sequence[str] = (),
        bootstrap: Bootstrap = Bootstrap(),
    ) -> None:
        self.output_dir = Path(output_dir)
        self.classes = classes
        self.mask_key = mask_key
        self.gate_off_key = gate_off_key
        self.label_key = label_key
        self.about = dict(about or {})
        self.descriptors = list(descriptors)
        self.bootstrap = bootstrap
        self.rows: dict[str, dict[str, Any]] = {}

    def start(self, engine: Engine) -> None:
        """Forget an earlier run."""
        self.rows = {}

    def measure(self, engine: Engine) -> None:
        """Measure the cases of one decollated batch."""
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            path = str(output["image"].meta["filename_or_obj"])
            self.rows[path] = self._row(path, item, output)

    def finish(self, engine: Engine) -> None:
        """Put the headline numbers among the engine's metrics; on the first process, write the files."""
        # A distributed sampler may repeat cases: one row for each image.
        rows = {path: row for part in idist.all_gather(self.rows) for path, row in part.items()}
        named = _with_names(rows)
        table = CaseTable.from_rows(named, self.classes)
        strata = summarise(table, self.bootstrap)
        whole = strata["all"]
        engine.state.metrics |= {name: whole[name]["value"] for name in METRICS if name in whole}
        if idist.get_rank() == 0:
            self._write(table, strata)
            self._write_radiomics(named)
            engine.logger.info(f"{len(table)} cases evaluated; the tables are in {self.output_dir}.")

    def _row(self, path: str, item: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, Any]:
        emitted, gate_off = (_mask(output[key]) for key in (self.mask_key, self.gate_off_key))
        true = _mask(item[self.label_key])
        if emitted.shape != true.shape:
            raise BundleError(
                f'The mask of "{path}" has {_size(true)} pixels, but the image was read with {_size(emitted)}. '
                "Replace one of them."
            )
        answer = read_answer(output["pred"], self.classes)
        if not answer.finite:
            raise BundleError(f'The network\'s output for "{path}" is not finite. Check the weights or switch off amp.')
        by_class = dict(zip(self.classes.names, answer.probabilities, strict=True))
        numbers = measure_case(
            emitted,
            gate_off,
            true,
            probabilities={column: by_class[name] for name, column in self.classes.columns.items()},
            indeterminate=float(answer.indeterminate),
            reliability=answer.mask_reliability,
            lesion_evidence=answer.lesion_logit,
        )
        radiomics = output["pred"]["radiomics"].tolist() if self.descriptors else []
        return {key: item[key] for key in ("dataset", "group", "diagnosis")} | numbers | {"radiomics": radiomics}

    def _write(self, table: CaseTable, strata: Mapping[str, Any]) -> None:
        self.output_dir.mkdir(parents=True, exist_ok=True)
        about = self.about | {
            "images": len(table),
            "intervals": f"{self.bootstrap.level:.0%}, {self.bootstrap.resamples} resamples of groups",
        }
        table.write(self.output_dir / "cases.csv")
        report = json.dumps({"about": about, "strata": strata}, indent=1, allow_nan=False)
        (self.output_dir / "evaluation.json").write_text(report + "\n", encoding="utf-8")
        page = evaluation_markdown(strata, about, self.classes)
        (self.output_dir / "evaluation.md").write_text(page, encoding="utf-8")

    def _write_radiomics(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if self.descriptors:
            keys = ("dataset", "image", "group", "diagnosis")
            with (self.output_dir / "radiomics.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow([*keys, *self.descriptors])
                for row in sorted(rows, key=lambda row: (row["dataset"], row["image"])):
                    writer.writerow([*(row[key] for key in keys), *row["radiomics"]])


def _mask(values: torch.Tensor) -> torch.Tensor:
    """(1, H, W) 0 or 1, with or without metadata, on any device -> (H, W), boolean, plain, on the CPU."""
    return convert_to_tensor(values, track_meta=False, device="cpu")[0] > 0


def _size(mask: torch.Tensor) -> str:
    return f"{mask.shape[0]} x {mask.shape[1]}"


def _with_names(rows: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows by path -> rows with ``image``: the path below the folder that holds all images of the dataset."""
    folders: dict[str, list[str]] = {}
    for path, row in rows.items():
        folders.setdefault(row["dataset"], []).append(os.path.dirname(path))
    roots = {dataset: os.path.commonpath(paths) for dataset, paths in folders.items()}
    return [
        dict(row) | {"image": Path(os.path.relpath(path, roots[row["dataset"]])).as_posix()}
        for path, row in rows.items()
    ]
