"""MONAI Label's monaibundle app for this bundle: strict weights, fine-tuning with a few masks, reliability as a score.

``start`` puts this file beside the sample app's own ``main.py``, which it renames to ``monaibundle.py``.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import monaibundle
import torch
from fastapi import HTTPException
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.tasks.infer_v2 import InferTask
from monailabel.interfaces.tasks.scoring import ScoringMethod
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.interfaces.tasks.train import TrainTask
from monailabel.tasks.activelearning.epistemic import Epistemic
from monailabel.tasks.infer.bundle import BundleInferTask
from monailabel.tasks.train.bundle import BundleTrainTask

logger = logging.getLogger(__name__)

SCORE = "unreliability"
#: What a client may set for fine-tuning, beside MONAI Label's own options; the names are train.json's.
OPTIONS: dict[str, Any] = {"learning_rate": 1e-4, "batch_size": 4, "image_size": 160}


class RadVLSMApp(monaibundle.MyApp, MONAILabelApp):  # MONAI Label looks for an app that names its base class itself
    """The sample app, whose bundles refuse weights that do not fit, and which scores images by reliability."""

    def init_infers(self) -> dict[str, InferTask]:
        """Inference with strictly loaded weights."""
        tasks = {name: BundleInferTask(path, self.conf, load_strict=True) for name, path in self.models.items()}
        for task in tasks.values():
            task.labels = {"lesion": 1}  # of the mask that clients get; metadata.json names the network's own channels
        return tasks

    def init_trainers(self) -> dict[str, TrainTask]:
        """Fine-tuning from strictly loaded weights."""
        return {name: FineTuning(path, self.conf) for name, path in self.models.items()}

    def init_strategies(self) -> dict[str, Strategy]:
        """The sample app's strategies, and the image first whose answer is the least reliable."""
        return {
            **super().init_strategies(),
            "least_reliable": Epistemic(key=SCORE, desc="The image whose answer is the least reliable"),
        }

    def init_scoring_methods(self) -> dict[str, ScoringMethod]:
        """The sample app's methods, and reliability."""
        scores = {f"{name}_reliability": ReliabilityScoring(task) for name, task in self._infers.items()}
        return {**super().init_scoring_methods(), **scores}

    def infer(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """Infer; what the user can mend reaches the client in words, as status 422."""
        try:
            return super().infer(request, datastore)
        except ValueError as error:
            raise _in_words(error) from error

    def train(self, request: dict[str, Any]) -> dict[str, Any]:
        """Train; what the user can mend reaches the client in words, as status 422."""
        try:
            return super().train(request)
        except (ValueError, RuntimeError) as error:
            raise _in_words(error) from error


def _in_words(error: BaseException) -> BaseException:
    """The sentence of the bundle's error behind this one, as an answer; otherwise the error itself."""
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__name__ == "BundleError":  # MONAI Label imports the bundle's scripts anew at every request
            return HTTPException(status_code=422, detail=str(cause))
        cause = cause.__cause__ or cause.__context__
    return error


class FineTuning(BundleTrainTask):
    """Trains on with the masks that users saved, and serves the result.

    The masks bring no diagnosis: the segmentation learns, batch normalisation and whatever only the diagnosis uses
    stay as they are. The best weights by validation Dice, or without validation images the last ones, replace
    ``models/model.pt`` of the served copy of the bundle; ``models/shipped.pt`` stays.

    Args:
        path: the served bundle.
        conf: the server's configuration.
    """

    def __init__(self, path: str, conf: dict[str, str]) -> None:
        super().__init__(path, conf, load_strict=True)
        self.output_dir = Path(path) / "training"
        self._request: dict[str, Any] = {}

    def config(self) -> dict[str, Any]:
        """MONAI Label's options and ours."""
        return {**super().config(), **OPTIONS}

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        if not datastore.datalist():
            raise HTTPException(status_code=422, detail="There is nothing to learn from; save a mask first.")
        self._request = request
        shutil.rmtree(self.output_dir, ignore_errors=True)
        result = super().__call__(request, datastore)
        self._publish()
        return result

    def _update_overrides(self, overrides: dict[str, Any]) -> dict[str, Any]:
        overrides.update({name: self._request.get(name, value) for name, value in OPTIONS.items()})
        overrides.update(
            output_dir=str(self.output_dir),
            encoder_weights="none",
            warmup_epochs=0,
            weight_decay=0.0,
            freeze_norms=True,
            num_workers=0,
        )
        return overrides

    def _publish(self) -> None:
        best, last = self.output_dir / "model.pt", self.output_dir / "last.pt"
        if best.is_file():
            weights = torch.load(best, map_location="cpu", weights_only=True)
        else:
            weights = torch.load(last, map_location="cpu", weights_only=True)["ema"]
        served = Path(self.bundle_path) / "models" / self.const.model_pytorch()
        partial = served.with_suffix(".partial")
        torch.save(weights, partial)
        partial.replace(served)
        logger.info("Serving the fine-tuned weights from now on")


class ReliabilityScoring(ScoringMethod):
    """How little the network trusts its own answer, for each unlabelled image.

    Where a lesion was found, 1 - ``reliability`` (the expected IoU of its mask); where none was, ``lesion_evidence``:
    the surer the absence, the lower. In [0, 1], as ``unreliability`` in the image's info.

    Args:
        task: inference with this bundle.
    """

    def __init__(self, task: BundleInferTask) -> None:
        super().__init__("1 - reliability of the mask; lesion evidence where no lesion was found")
        self.task = task

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        version = int(os.stat(self.task.get_path()).st_mtime)
        images = datastore.get_unlabeled_images()
        stale = [image for image in images if datastore.get_image_info(image).get(f"{SCORE}_ts") != version]
        failed = 0
        for image in stale:
            query = {"image": datastore.get_image_uri(image), "skip_writer": True, "logging": "ERROR"}
            try:
                result = self.task({**query, "device": request.get("device", "cuda")})[1]["result"]
            except ValueError as error:
                logger.warning("An image was not scored: %s", error)
                failed += 1
                continue
            score = 1 - result["reliability"] if result["lesion_found"] else result["lesion_evidence"]
            datastore.update_image_info(image, {SCORE: round(score, 4), f"{SCORE}_ts": version})
        return {"total": len(images), "scored": len(stale) - failed, "failed": failed}
