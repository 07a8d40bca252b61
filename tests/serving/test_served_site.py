"""MONAI Label serves another site: configs that name it, and weights with its adapter in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from scripts.errors import BundleError
from scripts.networks import find_adapter, load_site_weights
from scripts.serving.served_site import serve_site

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
SITE = "polyp_colonoscopy"


def test_what_is_served_is_the_sites(tmp_path: Path) -> None:
    shutil.copytree(BUNDLE / "configs", tmp_path / "configs")
    model = serve_site(BUNDLE, tmp_path, SITE)
    parser = ConfigParser(ConfigParser.load_config_file(tmp_path / "configs" / "inference.json"))
    parser["bundle_root"] = str(tmp_path)
    assert parser["site"] == SITE and parser["adapter"] == "none" and not parser.get_parsed_content("gray")
    assert json.loads((tmp_path / "configs" / "train.json").read_text())["site"] == SITE
    weights = BUNDLE / "models" / "model.pt"
    expected = load_site_weights(parser.get_parsed_content("network_def"), weights, find_adapter(weights, SITE), SITE)
    served = torch.load(model, weights_only=True)
    assert all(torch.equal(served[name], value) for name, value in expected.state_dict().items())

    model.write_bytes(b"fine-tuned")
    serve_site(BUNDLE, tmp_path, SITE)
    assert model.read_bytes() == b"fine-tuned"
    with pytest.raises(BundleError, match=f"serves the site {SITE}; choose another folder"):
        serve_site(BUNDLE, tmp_path, "skin_dermoscopy")
