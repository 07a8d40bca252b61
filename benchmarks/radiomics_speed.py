"""How much faster the torch descriptors are than pyradiomics, both in one run.

    python benchmarks/radiomics_speed.py [--batch 32] [--size 256] [--threads 2]

pyradiomics runs as its users call it, `RadiomicsFeatureExtractor.execute`, with only the features enabled that have a
torch counterpart, and with every feature of its seven classes for planes, as most users run it; its feature classes
without the extractor are timed as well. The torch module measures all of its descriptors. Lesions are ellipses of the
size and contrast of breast lesions in speckle. Where `fastrad` is installed (another implementation in torch, of one
volume at a time and a fixed bin width), its classes are timed too.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bundle"))

from scripts.radiomics import PYRADIOMICS, PyRadiomics, TorchRadiomics  # noqa: E402


def lesions(batch: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Speckled images (B, H, W) in [0, 1] and elliptic masks (B, H, W) covering 2 to 15 % of them."""
    generator = np.random.default_rng(0)
    row, column = np.mgrid[:size, :size] / size
    images, masks = [], []
    for _ in range(batch):
        area, flatness = generator.uniform(0.02, 0.15), generator.uniform(0.5, 0.9)
        width = np.sqrt(area / np.pi / flatness)
        centre = generator.uniform(0.4, 0.6, 2)
        mask = ((row - centre[0]) / (width * flatness)) ** 2 + ((column - centre[1]) / width) ** 2 <= 1
        speckle = generator.rayleigh(0.25, (size, size)) * np.where(mask, 0.4, 1.0)
        images.append(np.round(np.clip(speckle, 0, 1) * 255) / 255)
        masks.append(mask)
    return np.stack(images), np.stack(masks)


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Shortest of several wall-clock times, after one call to warm up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def seconds_of_fastrad(images: np.ndarray, masks: np.ndarray) -> float | None:
    """Of all its planar classes on the CPU, or None where it is not installed."""
    try:
        from fastrad import FeatureExtractor, FeatureSettings, Mask, MedicalImage
    except ImportError:
        return None
    classes = ["shape2d", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"]
    extractor = FeatureExtractor(FeatureSettings(classes, bin_width=1 / 32, device="cpu", force2D=True))
    pairs = [
        (MedicalImage(torch.from_numpy(image[None]).float()), Mask(torch.from_numpy(mask[None])))
        for image, mask in zip(images, masks, strict=True)
    ]
    return seconds(lambda: [extractor.extract(*pair) for pair in pairs], 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    import SimpleITK as sitk
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    logging.getLogger("radiomics").setLevel(logging.ERROR)
    features: dict[str, list[str]] = {}
    for group, feature in PYRADIOMICS.values():
        features.setdefault(group, []).append(feature)
    every = {group: [] for group in ("shape2D", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")}
    extractors = []
    for enabled in (features, every):
        extractor = RadiomicsFeatureExtractor(binCount=32, force2D=True, force2Ddimension=0)
        extractor.disableAllFeatures()
        extractor.enableFeaturesByName(**enabled)
        extractors.append(extractor)

    images, masks = lesions(arguments.batch, arguments.size)
    volumes = [
        (sitk.GetImageFromArray(image[None]), sitk.GetImageFromArray(mask[None].astype(np.uint8)))
        for image, mask in zip(images, masks, strict=True)
    ]
    reference, module = PyRadiomics(), TorchRadiomics()
    image_batch = torch.from_numpy(images).float().unsqueeze(1)
    mask_batch = torch.from_numpy(masks).float().unsqueeze(1)

    each = 1000 / arguments.batch
    slow, full = (
        each * seconds(lambda extractor=extractor: [extractor.execute(*volume) for volume in volumes], 2)
        for extractor in extractors
    )
    measured = sum(not name.startswith("diagnostics") for name in extractors[1].execute(*volumes[0]))
    bare = each * seconds(lambda: [reference.measure(*pair) for pair in zip(images, masks, strict=True)], 2)
    fast = each * seconds(lambda: module(image_batch, mask_batch), 10)
    print(f"batch {arguments.batch}, {arguments.size} px, {arguments.threads} threads; ms per image")
    print(f"pyradiomics extractor, {len(PYRADIOMICS)} features   {slow:8.2f}   {slow / fast:6.1f} x")
    print(f"pyradiomics extractor, {measured} features  {full:8.2f}   {full / fast:6.1f} x")
    print(f"pyradiomics classes,   {len(PYRADIOMICS)} features   {bare:8.2f}   {bare / fast:6.1f} x")
    other = seconds_of_fastrad(images, masks)
    if other is not None:
        print(f"fastrad, seven classes            {each * other:8.2f}   {each * other / fast:6.1f} x")
    print(f"TorchRadiomics,        {len(module.names)} descriptors {fast:6.2f}      1.0 x")


if __name__ == "__main__":
    main()
