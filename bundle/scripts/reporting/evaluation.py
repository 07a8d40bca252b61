"""The handler that turns an evaluator's outputs into case table, summary and page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.utils import convert_to_tensor

from scripts.data import LoadMaskUniond
from scripts.errors import BundleError
from scripts.reporting.evaluation_bootstrap import Bootstrap
from scripts.reporting.evaluation_cases import CaseTable
from scripts.reporting.evaluation_measures import measure_case
from scripts.reporting.evaluation_metrics import METRICS
from scripts.reporting.evaluation_summary import summarise
from scripts.reporting.evaluation_tables import evaluation_markdown


class EvaluationReport:
    """Measures every case on its native grid; at the end writes ``cases.csv``, ``evaluation.json``, ``evaluation.md``.

    The evaluator's postprocessing leaves in each output the native masks; the true masks are read again from the
    list, because the network's labels have been resized.

    Args:
        items: the evaluated list, as :func:`scripts.data.load_datalist` returns it.
        output_dir: where the three files go.
        mask_key: the emitted mask (evidence gate on), shape (1, H, W), 0 or 1, native grid.
        gate_off_key: the fused mask before the gate, same form.
        about: what was evaluated, by name, for the head of the tables.
        bootstrap: how intervals are drawn.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        output_dir: str | Path,
        mask_key: str = "mask",
        gate_off_key: str = "mask_gate_off",
        about: Mapping[str, Any] | None = None,
        bootstrap: Bootstrap = Bootstrap(),
    ) -> None:
        self.items = {str(item["image"]): item for item in items}
        self.names = _image_names(items)
        self.output_dir = Path(output_dir)
        self.mask_key = mask_key
        self.gate_off_key = gate_off_key
        self.about = dict(about or {})
        self.bootstrap = bootstrap
        self.read_truth = LoadMaskUniond(keys="label")
        self.rows: dict[str, dict[str, Any]] = {}

    def attach(self, engine: Engine) -> None:
        """Measure after every batch, write after the last."""
        engine.add_event_handler(Events.EPOCH_STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.measure)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish)

    def start(self, engine: Engine) -> None:
        """Forget an earlier run."""
        self.rows = {}

    def measure(self, engine: Engine) -> None:
        """Measure the cases of one decollated batch."""
        for output in engine.state.output:
            path = str(output["image"].meta["filename_or_obj"])
            self.rows[path] = self._row(path, output)

    def finish(self, engine: Engine) -> None:
        """Put the headline numbers among the engine's metrics; on the first process, write the files."""
        # A distributed sampler may repeat cases: one row for each image.
        rows = {path: row for part in idist.all_gather(self.rows) for path, row in part.items()}
        table = CaseTable.from_rows(list(rows.values()))
        strata = summarise(table, self.bootstrap)
        whole = strata["all"]
        engine.state.metrics |= {name: whole[name]["value"] for name in METRICS if name in whole}
        if idist.get_rank() == 0:
            self._write(table, strata)
            engine.logger.info(f"{len(table)} cases evaluated; the tables are in {self.output_dir}.")

    def _row(self, path: str, output: Mapping[str, Any]) -> dict[str, Any]:
        item = self.items[path]
        true = _mask(self.read_truth({"label": item["label"]})["label"])
        emitted, gate_off = (_mask(output[key]) for key in (self.mask_key, self.gate_off_key))
        if emitted.shape != true.shape:
            raise BundleError(
                f'The mask of "{self.names[path]}" has {_size(true)} pixels, but the image was read with '
                f"{_size(emitted)}. Replace one of them."
            )
        evidence = output["pred"]
        numbers = measure_case(
            emitted,
            gate_off,
            true,
            malignancy_probability=torch.softmax(evidence["diagnosis_logits"].float(), dim=-1)[1].item(),
            reliability=evidence["reliability"].item(),
            lesion_evidence=evidence["lesion_logit"].item(),
        )
        return {key: item[key] for key in ("dataset", "group", "diagnosis")} | {"image": self.names[path]} | numbers

    def _write(self, table: CaseTable, strata: Mapping[str, Any]) -> None:
        self.output_dir.mkdir(parents=True, exist_ok=True)
        about = self.about | {
            "images": len(table),
            "intervals": f"{self.bootstrap.level:.0%}, {self.bootstrap.resamples} resamples of groups",
        }
        table.write(self.output_dir / "cases.csv")
        report = json.dumps({"about": about, "strata": strata}, indent=1, allow_nan=False)
        (self.output_dir / "evaluation.json").write_text(report + "\n", encoding="utf-8")
        (self.output_dir / "evaluation.md").write_text(evaluation_markdown(strata, about), encoding="utf-8")


def _mask(values: torch.Tensor) -> torch.Tensor:
    """(1, H, W) 0 or 1, with or without metadata, on any device -> (H, W), boolean, plain, on the CPU."""
    return convert_to_tensor(values, track_meta=False, device="cpu")[0] > 0


def _size(mask: torch.Tensor) -> str:
    return f"{mask.shape[0]} x {mask.shape[1]}"


def _image_names(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Short names by path: relative to the folder that holds all images and masks of the dataset."""
    files: dict[str, list[str]] = {}
    for item in items:
        files.setdefault(item["dataset"], []).extend([item["image"], *item["label"]])
    roots = {dataset: os.path.commonpath(paths) for dataset, paths in files.items()}
    return {str(i["image"]): Path(os.path.relpath(i["image"], roots[i["dataset"]])).as_posix() for i in items}
