r"""What a site's adapter finds when it is asked for something else, by question: the table in ``sites.md``.

    python benchmarks/asked.py --site polyp_colonoscopy --dataset_dir KVASIR --output_dir out/asked

Every question of the site's swaps, on the validation section, at the working size and in one view: the images are
encoded once. Training has seen none of the questions but the first.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from bundle_runs import BUNDLE
from drawn_references import BATCH, Encoded, NoRadiomics, dice, listed
from monai.bundle import ConfigParser
from monai.utils import convert_to_tensor

from scripts.errors import BundleError
from scripts.networks import TextTower, load_text_tower
from scripts.writing.tables import write_study


def question_rows(
    site: str, folder: Path, adapter: Path | None, text_tower: Path, limit: int = 0
) -> list[dict[str, object]]:
    """One row for each question.

    Args:
        site: whose questions they are.
        folder: with a data list.
        adapter: of the site; None takes the one beside the default weights.
        text_tower: what embeds the questions.
        limit: images; 0 takes all.
    """
    parser = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "inference.json"))
    parser.update({"bundle_root": str(BUNDLE), "site": site, "mirror": False, "device": "$torch.device('cpu')"})
    if adapter is not None:
        parser["adapter"] = str(adapter)
    network = parser.get_parsed_content("network").eval()
    network.radiomics = NoRadiomics(network.radiomics.names)
    transform = parser.get_parsed_content("reference_preprocessing")
    items = [transform({"image": item["image"], "label": item["label"]}) for item in listed(folder, "validation")]
    items = items[: limit or len(items)]
    images, masks = (
        torch.stack([convert_to_tensor(item[key], track_meta=False) for item in items]) for key in ("image", "label")
    )
    network.image_encoder = encoded = Encoded(network.image_encoder, images)
    tower, asked, rows = load_text_tower(TextTower(), text_tower), set(), []
    for kind, questions in parser.get_parsed_content("site_def").prompts.swaps.items():
        for question in questions:
            if question in asked:
                continue
            asked.add(question)
            network.prompt_embedding.copy_(tower.embed(question))
            found, gated, free = [], [], []
            for start in range(0, len(images), BATCH):
                encoded.start = start
                with torch.no_grad():
                    outputs = network.forward_named(images[start : start + BATCH])
                found.append(outputs["lesion_logit"] > 0)
                gated.append(outputs["gated_mask_logits"] > 0)
                free.append(outputs["mask_logits"] > 0)
            row = {"site": site, "kind": kind, "asked for": question or "(nothing)"}
            row["lesions found"] = float(torch.cat(found).float().mean())
            row["Dice"] = float(dice(torch.cat(gated), masks > 0).mean())
            rows.append(row | {"Dice, gate off": float(dice(torch.cat(free), masks > 0).mean())})
    return rows


def main() -> None:
    """Write ``asked.md`` and the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", required=True)
    parser.add_argument("--dataset_dir", type=Path, required=True, help="a folder with a data list")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--text_tower", type=Path, default=BUNDLE / "models" / "text_tower.pt")
    parser.add_argument("--limit", type=int, default=0, help="images; 0 takes all")
    parser.add_argument("--output_dir", type=Path, required=True)
    given = parser.parse_args()
    try:
        rows = question_rows(given.site, given.dataset_dir, given.adapter, given.text_tower, given.limit)
    except BundleError as error:
        sys.exit(str(error))
    write_study(given.output_dir, "asked", rows)
    print((given.output_dir / "asked.md").read_text())


if __name__ == "__main__":
    main()
