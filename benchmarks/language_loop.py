"""What each part of the closed vision-language loop contributes, on the validation sections.

    python benchmarks/language_loop.py --dataset_dir "['BUSI','BUS-BRA','BUS-UCLM']" --output_dir out/language

Needs requirements-language.txt. Every variant begins with the same weights and sees the same images, questions and
number of steps; the shipped loop stands beside them, alone and with candidates behind it. Features of the frozen
encoder are computed once (``cache_dir``); a row that is finished is not measured again, so that an interrupted run goes
on. Writes ``masks.md``, ``referring.md`` and ``words.md`` after each. All is measured on the network's own grid.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle_runs import BUNDLE
from language_tables import write_tables
from monai.bundle import ConfigParser
from monai.data import PersistentDataset
from monai.transforms import Compose
from monai.utils import set_determinism

from scripts.data import load_datalist
from scripts.networks import NamedInferer
from scripts.networks.closed_loop import Answer
from scripts.networks.given_response import segment_response
from scripts.networks.language import save_loop
from scripts.semantics.questions import ASK_ALL
from scripts.studies.closed_loop import (
    ask,
    lesion_evidence,
    measure_masks,
    measure_referring,
    measure_words,
    referring_questions,
)
from scripts.training import run_unless_finished
from scripts.training.language import with_copies
from scripts.training.language.batches import united

VARIANTS: dict[str, dict[str, Any]] = {
    "full loop, prefix": {},
    "full loop, class names only": {"described": False},
    "both ways without the addition": {"loop": "both_ways"},
    "full loop, causal": {"order": "causal"},
    "one way": {"loop": "one_way"},
}
DEFAULT, SHIPPED, BEHIND = "default network", "shipped loop", "shipped loop, candidates behind it"


def parser_of(options: dict[str, Any]) -> ConfigParser:
    """The config of the loop with options."""
    files = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "language")]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    parser.update({"bundle_root": str(BUNDLE), **options})
    return parser


def load(parser: ConfigParser, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items with regions, features and what is measured with them; encoded where no run before has."""
    transforms = parser.get_parsed_content("train#kept_transforms")
    kept = PersistentDataset(items, Compose(transforms), parser.get_parsed_content("kept_dir"))
    lexicon, loaded = transforms[1].lexicon, []
    for number, item in enumerate(items):
        out = kept[number]
        names = ("regions", "label", "features", "picture", "group")
        loaded.append({name: out[name] for name in names} | {"image_name": Path(item["image"]).name})
        mask = np.asarray(out["label"])[0] > 0
        shapes = lexicon.measure(np.asarray(out["picture"])[0] / 255, mask, 1.0, lexicon.thresholds)
        loaded[-1]["overlap"] = shapes.get("ellipse_overlap")
        loaded[-1]["pasted"] = item["donor"] is not None and len(out["regions"]) > 1
    return loaded


def prepare(arguments: argparse.Namespace, parser: ConfigParser) -> dict[str, list[dict[str, Any]]]:
    """All images of validation, and those with two lesions, the same for every variant."""
    classes = parser.get_parsed_content("classes")
    listed = load_datalist(arguments.dataset_dir, "validation", classes)
    plain = with_copies(listed, classes.absent, 0, 0)
    pasted = [item for item in with_copies(listed, classes.absent, 0, 1, 2) if item["donor"] is not None]
    chosen = np.random.RandomState(0).permutation(len(pasted))[: arguments.referring]
    validation = load(parser, plain)
    several = [item for item in validation if len(item["regions"]) == 2]
    kept = {"validation": validation, "referring": several + load(parser, [pasted[i] for i in sorted(chosen)])}
    limit = float(np.quantile([item["overlap"] for item in validation if item["regions"]], 1 / 3))
    for item in validation:
        item["irregular"] = bool(item["regions"]) and item["overlap"] <= limit
    return kept


def train(options: dict[str, Any], folder: Path) -> Any:
    """A variant's network after its steps."""
    parser = parser_of({**options, "output_dir": str(folder), "val_interval": 1000})
    parser["resume"] = (folder / "last.pt").exists()
    set_determinism(seed=1)
    torch.set_flush_denormal(True)
    trainer = parser.get_parsed_content("train#trainer")
    run_unless_finished(trainer)
    network = parser.get_parsed_content("begun").eval()
    save_loop(network, folder / "closed_loop.pt")
    return network


def behind(network: Any, items: list[dict[str, Any]], answers: list[Answer]) -> list[Answer]:
    """Answers whose masks Rad-VLSM draws in candidates that come from the loop's masks (``--candidates true``)."""
    images = [item["picture"].float().expand(3, -1, -1) / 255 for item in items]
    return [
        Answer(said.text, segment_response(network.base, image.expand(len(said.masks), -1, -1, -1), said.masks))
        if len(said.masks)
        else said
        for image, said in zip(images, answers, strict=True)
    ]


def measure(
    network: Any, kept: dict[str, list[dict[str, Any]]], lexicon: Any, candidates: bool = False
) -> dict[str, Any]:
    """All that is measured of one loop."""
    validation = kept["validation"]
    answers = ask(network, validation, [ASK_ALL[0]] * len(validation), 16)
    if candidates:
        answers = behind(network, validation, answers)
    drawn = [united(answer.masks)[0].numpy() > 0 for answer in answers]
    asked = referring_questions(kept["referring"], lexicon)
    told = ask(network, [item for item, *_ in asked], [question for _, _, question, _ in asked], 16)
    if candidates:
        told = behind(network, [item for item, *_ in asked], told)
    return {
        "masks": measure_masks(validation, drawn, lesion_evidence(network, validation, 16)),
        "referring": measure_referring(asked, [united(answer.masks)[0].numpy() > 0 for answer in told]),
        "words": measure_words(validation, answers, lexicon),
        "answers": [answer.text for answer in answers],
    }


def measure_default(parser: ConfigParser, kept: dict[str, list[dict[str, Any]]], lexicon: Any) -> dict[str, Any]:
    """The default network on the same images; it takes no question, and gives every lesion it finds."""
    network, infer = parser.get_parsed_content("network").eval(), NamedInferer()

    told: dict[int, tuple[np.ndarray, float]] = {}

    def tell(item: dict[str, Any]) -> tuple[np.ndarray, float]:
        if id(item) not in told:
            image = item["picture"].float().expand(3, -1, -1)[None] / 255
            with torch.no_grad():
                outputs = infer(image, network)
            told[id(item)] = (outputs["gated_mask_logits"][0, 0] > 0).numpy(), float(outputs["lesion_logit"])
        return told[id(item)]

    asked = referring_questions(kept["referring"], lexicon)
    masks, evidence = zip(*(tell(item) for item in kept["validation"]), strict=True)
    return {
        "masks": measure_masks(kept["validation"], masks, evidence),
        "referring": measure_referring(asked, [tell(item)[0] for item, *_ in asked]),
        "words": constant_words(kept["validation"]),
    }


def constant_words(items: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """How often the most frequent value of each term is true of these images' lesions: what no look at them reaches."""
    regions = [region for item in items for region in item["regions"]]
    return {
        term: (len(regions), max(Counter(region[term] for region in regions).values()))
        for term in set(regions[0]) - {"lesions"}
    }


def main() -> None:
    """Train and measure what is not finished, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", type=ast.literal_eval, required=True)
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--cache_dir", help="of features; a folder of the run language, or cache/ in the output folder")
    parser.add_argument("--referring", type=int, default=200, help="pasted images of validation")
    parser.add_argument("--epochs", type=int, default=1, help="of each variant; an epoch draws as many as are listed")
    parser.add_argument("--most", type=int, default=99, help="measure so many rows in this run; the next goes on")
    arguments = parser.parse_args()
    out = Path(arguments.output_dir)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    given = {"dataset_dir": arguments.dataset_dir, "cache_dir": arguments.cache_dir or str(out / "cache")}
    given["epochs"] = arguments.epochs
    base = parser_of(given)
    lexicon = base.get_parsed_content("site_def").lexicon
    kept = prepare(arguments, base)
    results: dict[str, dict[str, Any]] = {}
    for name in (DEFAULT, SHIPPED, BEHIND, *VARIANTS):
        folder = out / name.replace(",", "").replace(" ", "_")
        folder.mkdir(exist_ok=True)
        file = folder / "measured.json"
        if not file.exists():
            if arguments.most < 1:
                continue
            arguments.most -= 1
            if name == DEFAULT:
                measured = measure_default(base, kept, lexicon)
            elif name in (SHIPPED, BEHIND):
                measured = measure(base.get_parsed_content("trained"), kept, lexicon, name == BEHIND)
            else:
                measured = measure(train({**given, **VARIANTS[name]}, folder), kept, lexicon)
            file.write_text(json.dumps(measured))
        results[name] = json.loads(file.read_text())
        write_tables(results, out, DEFAULT, next(iter(VARIANTS)))
        print(f"{name}: measured", flush=True)


if __name__ == "__main__":
    main()
