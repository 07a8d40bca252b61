"""What each part of the closed vision-language loop contributes, on the validation sections.

    python benchmarks/language_loop.py --dataset_dir "['BUSI','BUS-BRA','BUS-UCLM']" --output_dir out/language

Needs requirements-language.txt. Every variant begins with the same weights and sees the same images, questions and
number of steps. Features of the frozen encoder are computed once (``kept.pt``); a variant that is finished is not
trained again, so that an interrupted run goes on. Writes ``masks.md``, ``referring.md`` and ``words.md`` after each.
All is measured on the network's own grid.
"""

from __future__ import annotations

import argparse
import ast
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle_runs import BUNDLE
from monai.bundle import ConfigParser
from monai.utils import set_determinism

from scripts.data import load_datalist
from scripts.evaluation.bootstrap import Bootstrap, NotComputable
from scripts.networks import NamedInferer
from scripts.networks.language import save_loop
from scripts.semantics.questions import ASK_ALL
from scripts.studies.closed_loop import (
    ask,
    measure_masks,
    measure_referring,
    measure_words,
    referring_questions,
)
from scripts.training.language import with_copies
from scripts.training.language.batches import united
from scripts.writing.tables import write_study

VARIANTS: dict[str, dict[str, Any]] = {
    "full loop, prefix": {},
    "full loop, class names only": {"described": False},
    "both ways without the addition": {"loop": "both_ways"},
    "full loop, causal": {"order": "causal"},
    "one way": {"loop": "one_way"},
}
DEFAULT = "default network"


def parser_of(options: dict[str, Any]) -> ConfigParser:
    """The config of the loop with options."""
    files = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "language")]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    parser.update({"bundle_root": str(BUNDLE), **options})
    return parser


def keep(parser: ConfigParser, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items with regions and features."""
    transforms, kept = parser.get_parsed_content("train#kept_transforms"), []
    change, describe, encode = transforms
    lexicon = describe.lexicon
    for number, item in enumerate(items):
        changed = change(item)
        shape = lexicon.measure(np.asarray(changed["image"]).mean(0), np.asarray(changed["label"])[0], 1.0,
                                lexicon.thresholds).get("ellipse_overlap")  # fmt: skip
        out = encode(describe(changed))
        kept.append({name: out[name] for name in ("regions", "label", "features", "picture", "group")})
        kept[-1] |= {"image_name": Path(item["image"]).name, "overlap": shape}
        kept[-1]["pasted"] = item["donor"] is not None and len(kept[-1]["regions"]) > 1
        if number % 100 == 0:
            print(f"{number} of {len(items)} images encoded", flush=True)
    return kept


def prepare(arguments: argparse.Namespace, parser: ConfigParser) -> dict[str, list[dict[str, Any]]]:
    """Images of training, validation and reference, the same for every variant; computed once."""
    file = Path(arguments.output_dir) / "kept.pt"
    if file.exists():
        return torch.load(file, weights_only=False)
    classes = parser.get_parsed_content("classes")
    random = np.random.RandomState(0)

    def some(section: str, count: int) -> list[dict[str, Any]]:
        items = load_datalist(arguments.dataset_dir, section, classes)
        return [items[i] for i in sorted(random.permutation(len(items))[:count])]

    training = with_copies(some("training", arguments.images), classes.absent, 0, 1, 1)
    validation = with_copies(some("validation", arguments.validate), classes.absent, 0, 0)
    pasted = with_copies(some("validation", arguments.validate), classes.absent, 0, 1, 2)
    pasted = [item for item in pasted if item["donor"] is not None][: arguments.referring]
    listed = load_datalist(arguments.dataset_dir, "validation", classes)
    several = [item for item in with_copies(listed, classes.absent, 0, 0) if len(item["label"]) > 1]
    kept = {"training": keep(parser, training), "validation": keep(parser, validation)}
    kept["referring"] = keep(parser, several) + keep(parser, pasted)
    overlaps = [item["overlap"] for item in kept["validation"] if item["regions"]]
    limit = float(np.quantile(overlaps, 1 / 3))
    for item in kept["validation"]:
        item["irregular"] = bool(item["regions"]) and item["overlap"] <= limit
    torch.save(kept, file)
    return kept


def train(options: dict[str, Any], kept: list[dict[str, Any]], folder: Path, epochs: int) -> Any:
    """A variant's network after its steps."""
    parser = parser_of({**options, "output_dir": str(folder), "epochs": epochs, "dataset_dir": "."})
    parser.globals["kept_items"] = kept
    parser["train#items"] = "$kept_items"
    transform = {"_target_": "Compose", "transforms": "@train#question_transforms"}
    parser["train#dataset"] = {"_target_": "Dataset", "data": "@train#items", "transform": transform}
    parser["validate#items"] = []
    keeper = parser["train#handlers"][-1]
    keeper.pop("items")
    keeper["resume"] = (folder / "last.pt").exists()
    set_determinism(seed=1)
    torch.set_num_threads(1)
    trainer = parser.get_parsed_content("train#trainer")
    if trainer.state.epoch < epochs:
        trainer.run()
    network = parser.get_parsed_content("begun").eval()
    save_loop(network, folder / "closed_loop.pt")
    return network


def measure(network: Any, kept: dict[str, list[dict[str, Any]]], lexicon: Any) -> dict[str, Any]:
    """All that is measured of one loop."""
    validation = kept["validation"]
    answers = ask(network, validation, [ASK_ALL[0]] * len(validation), 16)
    drawn = [united(answer.masks)[0].numpy() > 0 for answer in answers]
    asked = referring_questions(kept["referring"], lexicon)
    told = ask(network, [item for item, *_ in asked], [question for _, _, question, _ in asked], 16)
    return {
        "masks": measure_masks(validation, drawn),
        "referring": measure_referring(asked, [united(answer.masks)[0].numpy() > 0 for answer in told]),
        "words": measure_words(validation, answers, lexicon),
        "answers": [answer.text for answer in answers],
    }


def measure_default(parser: ConfigParser, kept: dict[str, list[dict[str, Any]]], lexicon: Any) -> dict[str, Any]:
    """The default network on the same images; it takes no question, and gives every lesion it finds."""
    network, infer = parser.get_parsed_content("network").eval(), NamedInferer()

    def masks(items: list[dict[str, Any]]) -> list[np.ndarray]:
        found = []
        for item in items:
            image = item["picture"].float().expand(3, -1, -1)[None] / 255
            with torch.no_grad():
                found.append((infer(image, network)["gated_mask_logits"][0, 0] > 0).numpy())
        return found

    asked = referring_questions(kept["referring"], lexicon)
    return {
        "masks": measure_masks(kept["validation"], masks(kept["validation"])),
        "referring": measure_referring(asked, masks([item for item, *_ in asked])),
        "words": prior_words(kept),
    }


def prior_words(kept: dict[str, list[dict[str, Any]]]) -> dict[str, tuple[int, int]]:
    """How often the most frequent value of training is true of a validation image's lesions."""
    training = [region for item in kept["training"] for region in item["regions"]]
    regions = [region for item in kept["validation"] for region in item["regions"]]
    counts = {}
    for term in set(training[0]) - {"lesions"}:
        values = [region[term] for region in training]
        usual = max(sorted(set(values)), key=values.count)
        counts[term] = (len(regions), sum(region[term] == usual for region in regions))
    return counts


def write_tables(results: dict[str, dict[str, Any]], folder: Path) -> None:
    """Three tables of what has been measured so far."""
    first = next(iter(VARIANTS))
    tables: dict[str, list[dict[str, Any]]] = {"masks": [], "referring": [], "words": []}
    for name, result in results.items():
        rows = result["masks"]
        lesions = [row for row in rows if row["lesion"]]
        normals = [row for row in rows if not row["lesion"]]
        line: dict[str, Any] = {"variant": name}
        for title, chosen in (("Dice", lesions), ("Dice, irregular third", [r for r in lesions if r["irregular"]])):
            line[title] = float(np.mean([row["dice"] for row in chosen]))
            line[f"{title}: against the full loop"] = difference(chosen, results.get(first), name == first)
        line["lesions found"] = float(np.mean([row["drawn"] for row in lesions]))
        line["normals with a mask"] = float(np.mean([row["drawn"] for row in normals])) if normals else None
        tables["masks"].append(line)
        for_table: dict[str, Any] = {"variant": name}
        for where in (True, False):
            for kind in ("by comparison", "by description"):
                chosen = [row for row in result["referring"] if row["pasted"] == where and row["kind"] == kind]
                place = "pasted" if where else "own"
                for what in ("right", "other"):
                    title = f"{place}, {kind}: {what} (n {len(chosen)})"
                    for_table[title] = float(np.mean([row[what] for row in chosen])) if chosen else None
        tables["referring"].append(for_table)
        words: dict[str, Any] = {"variant": name if name != DEFAULT else "most frequent value of training"}
        said, true = (sum(pair[i] for pair in result["words"].values()) for i in (0, 1))
        words |= {"terms": said, "true": true / said if said else None}
        words |= {term: pair[1] / pair[0] for term, pair in sorted(result["words"].items())}
        tables["words"].append(words)
    columns = list(dict.fromkeys(key for row in tables["words"] for key in row))
    tables["words"] = [{key: row.get(key) for key in columns} for row in tables["words"]]
    for title, lines in tables.items():
        write_study(folder, title, lines)


def difference(rows: list[dict[str, Any]], full: dict[str, Any] | None, same: bool) -> str:
    """Dice minus that of the full loop on the same images, with its interval (bootstrap of groups)."""
    if full is None or same or not rows:
        return "-"
    other = {row["image"]: row["dice"] for row in full["masks"]}
    deltas = np.array([row["dice"] - other[row["image"]] for row in rows])
    bootstrap = Bootstrap()
    try:
        draws = bootstrap.draw(np.array([row["group"] for row in rows]), lambda w: (w * deltas).sum(1) / w.sum(1))
    except NotComputable:
        return f"{deltas.mean():+.3f}"
    low, high = bootstrap.interval(draws)
    return f"{deltas.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    """Train and measure what is not finished, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", type=ast.literal_eval, required=True)
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--images", type=int, default=600, help="of training, drawn at random")
    parser.add_argument("--validate", type=int, default=200, help="images of validation, drawn at random")
    parser.add_argument("--referring", type=int, default=60, help="pasted images of validation")
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    out = Path(arguments.output_dir)
    out.mkdir(parents=True, exist_ok=True)
    base = parser_of({"dataset_dir": "."})
    torch.set_num_threads(1)
    kept, lexicon = prepare(arguments, base), base.get_parsed_content("site_def").lexicon
    results: dict[str, dict[str, Any]] = {}
    for name in (DEFAULT, *VARIANTS):
        folder = out / name.replace(",", "").replace(" ", "_")
        folder.mkdir(exist_ok=True)
        file = folder / "measured.json"
        if not file.exists():
            if name == DEFAULT:
                measured = measure_default(base, kept, lexicon)
            else:
                measured = measure(train(VARIANTS[name], kept["training"], folder, arguments.epochs), kept, lexicon)
            file.write_text(json.dumps(measured))
        results[name] = json.loads(file.read_text())
        write_tables(results, out)
        print(f"{name}: measured", flush=True)


if __name__ == "__main__":
    main()
