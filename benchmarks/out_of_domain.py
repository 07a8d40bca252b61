"""Which images are told to be of another kind: of the known sets, of a set that is left out, and of foreign folders.

    python benchmarks/out_of_domain.py --dataset_dir "['BUSI','BUS-BRA','BUS-UCLM']" --output_dir OUT \\
        --foreign colonoscopy=KVASIR/images skin=PH2/images photographs=PHOTOS

The rows: validation images of the known sets, as the weights judge them. Then each set left out in turn: center,
covariance and limit are fitted to the other sets, and all images of the left-out one judged, as those of a scanner that
the network does not know (though its encoder has seen them). Columns after the first two: the share of each foreign
folder that is told. Pictures and DICOM files of a folder are read as inference reads them, of any modality.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle_runs import BUNDLE, CLASSES, dataset_folders
from monai.bundle import ConfigParser
from monai.transforms import Compose

from scripts.data import discover, load_datalist
from scripts.evaluation.domain_fit import MARGIN, domain_distances, domain_features, set_domain
from scripts.writing.tables import write_study


def parse(config: str, **settings: Any) -> ConfigParser:
    """A config with other settings."""
    parser = ConfigParser()
    parser.read_config(str(BUNDLE / "configs" / config))
    for name, value in {"bundle_root": str(BUNDLE), "device": torch.device("cpu"), **settings}.items():
        parser[name] = value
    return parser


def foreign_features(network: torch.nn.Module, folder: str, loading: ConfigParser) -> np.ndarray:
    """Features of the images of a folder, one a file, shape (N, 224)."""
    transform = loading.get_parsed_content("preprocessing")
    found = discover(folder, frames="middle", max_frames=1, any_modality=True)
    items = [dict(item) for item in found if item["status"] == "ok"]
    read = [item for item in map(transform, items) if item["status"] == "ok"]
    return domain_features(network, read, lambda item: {"image": item["image"].as_tensor()})


def main() -> None:
    """Measure and write ``domain.md`` and ``domain.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset_dir", required=True, help="the sets that the network knows")
    parser.add_argument("--foreign", nargs="*", default=[], help="NAME=FOLDER of images of another kind")
    parser.add_argument("--weights", default=str(BUNDLE / "models" / "model.pt"))
    parser.add_argument("--output_dir", type=Path, required=True)
    arguments = parser.parse_args()
    loading = parse("inference.json", weights=arguments.weights, any_modality=True, dataset_dir="", num_workers=0)
    network = loading.get_parsed_content("network").eval()
    known = Compose(parse("train.json", encoder_weights="none").get_parsed_content("train#preprocessing_transforms"))
    sections: dict[str, dict[str, np.ndarray]] = {}
    for folder in ast.literal_eval(dataset_folders(arguments.dataset_dir)):
        sections[Path(folder).name] = {
            name: domain_features(network, load_datalist(folder, name, CLASSES), known)
            for name in ("training", "validation")
        }
    foreign = {
        name: foreign_features(network, folder, loading)
        for name, folder in (entry.split("=", 1) for entry in arguments.foreign)
    }

    def shares(features: Mapping[str, np.ndarray]) -> dict[str, float]:
        return {name: float((domain_distances(network, values) > 1).mean()) for name, values in features.items()}

    rows = []
    for name, features in sections.items():
        told = shares({"images": features["validation"], **foreign})
        rows.append({"set": name, "": "validation, as shipped", "told": told.pop("images"), **told})
    for left_out, features in sections.items():
        others = [values for name, values in sections.items() if name != left_out]
        fitted_on = np.concatenate([values["training"] for values in others])
        set_domain(network, fitted_on, [values["validation"] for values in others], MARGIN)
        told = shares({"images": np.concatenate(list(features.values())), **foreign})
        rows.append({"set": left_out, "": "all images, left out", "told": told.pop("images"), **told})
    counts = {name: len(values) for name, values in foreign.items()}
    rows.append({"set": "images", "": "", "told": sum(len(f["validation"]) for f in sections.values()), **counts})
    write_study(arguments.output_dir, "domain", rows)


if __name__ == "__main__":
    main()
