"""The copy of the bundle that MONAI Label serves is made one of a site: its configs, and weights with its adapter."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from monai.bundle import ConfigParser

from scripts.errors import BundleError
from scripts.networks import find_adapter, load_site_weights
from scripts.networks.adapters import NONE
from scripts.sites import load_site

#: Configs that name a site, and the file that says which one a copy serves.
CONFIGS, MARK = ("inference.json", "train.json"), "site.txt"


def serve_site(bundle: str | Path, served: str | Path, site: str, adapter: str | Path | None = None) -> Path:
    """Write ``models/shipped.pt`` of a served copy, name the site in its configs, and begin with those weights.

    Args:
        bundle: the bundle, with weights and adapters.
        served: the copy; it has ``configs/``.
        site: its name.
        adapter: of the site; None takes the one beside the weights, where there is one.

    Returns:
        The weights that are served, ``models/model.pt``: those that a user fine-tuned before stay.

    Raises:
        BundleError: the site is unknown, the adapter does not fit, or the copy has served another site.
    """
    bundle, models = Path(bundle), Path(served) / "models"
    load_site(site, bundle)
    mark, model = models / MARK, models / "model.pt"
    before = mark.read_text().strip() if mark.exists() else "breast_ultrasound"
    if model.exists() and before != site:
        raise BundleError(f'"{served}" serves the site {before}; choose another folder for {site}.')
    weights = bundle / "models" / "model.pt"
    adapter = adapter or find_adapter(weights, site)
    parser = ConfigParser(ConfigParser.load_config_file(bundle / "configs" / "inference.json"))
    parser.update({"bundle_root": str(bundle), "site": site})
    network = load_site_weights(parser.get_parsed_content("network_def"), weights, adapter, site)
    models.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), models / "shipped.pt")
    for name in CONFIGS:
        path = Path(served) / "configs" / name
        options = json.loads(path.read_text()) | {"site": site}
        options |= {"adapter": NONE} if "adapter" in options else {}  # it is in the weights
        path.write_text(json.dumps(options, indent=4) + "\n")
    mark.write_text(site + "\n")
    if not model.exists():
        model.write_bytes((models / "shipped.pt").read_bytes())
    return model


if __name__ == "__main__":
    try:
        serve_site(*sys.argv[1:])
    except BundleError as error:
        sys.exit(str(error))
