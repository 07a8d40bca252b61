"""What images a network knows: fitted to its training images, so that images of another kind are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import DataLoader, Dataset, list_data_collate
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.data import load_datalist
from scripts.networks.encoders.blocks import standardize
from scripts.sites import Classes

#: How far the limit lies beyond what holds :data:`KNOWN` of each set's validation images: images of a scanner that no
#: set has lie farther off, and are to be analysed all the same.
MARGIN, KNOWN = 1.7, 0.98


def fit_domain(
    network: nn.Module,
    dataset_dir: str | Path | Sequence[str | Path],
    classes: Classes,
    transform: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    margin: float = MARGIN,
    formats: bool = False,
) -> dict[str, Any]:
    """Fit :class:`scripts.networks.training_domain.TrainingDomain` of a network.

    The center and covariance (Ledoit-Wolf) are of the training images; the limit is the greatest over the data sets of
    the distance within which 98 % of the set's validation images lie (training images, where it has none), times the
    margin.

    Args:
        network: a :class:`scripts.networks.RadVLSM`; its distances are fitted in place.
        dataset_dir: what it was trained on, see :func:`scripts.data.load_datalist`.
        classes: what the lesions can be.
        transform: as in training, without augmentation: ``image`` becomes (3, S, S) in [0, 1].
        margin: 1 or more.
        formats: take images in several formats in turn, see :func:`reformat`: what a single camera always frames alike
            is no part of what its images show.

    Returns:
        ``images`` fitted on, and ``unknown``: by data set the share of validation images beyond the limit.
    """
    sections = {
        name: load_datalist(dataset_dir, name, classes, may_be_empty=name == "validation")
        for name in ("training", "validation")
    }
    features = {name: domain_features(network, items, transform, formats=formats) for name, items in sections.items()}
    sets = {name: np.array([item["dataset"] for item in items]) for name, items in sections.items()}
    held_out = {
        name: features["validation"][sets["validation"] == name]
        if (sets["validation"] == name).any()
        else features["training"][sets["training"] == name]
        for name in sorted(set(sets["training"]))
    }
    set_domain(network, features["training"], list(held_out.values()), margin)
    distances = {name: domain_distances(network, values) for name, values in held_out.items()}
    unknown = {name: float((values > 1).mean()) for name, values in distances.items()}
    return {"images": len(sections["training"]), "margin": margin, "unknown": unknown}


@torch.no_grad()
def domain_features(
    network: nn.Module,
    items: Sequence[Mapping[str, Any]],
    transform: Callable[..., Any],
    batch_size: int = 8,
    formats: bool = False,
) -> np.ndarray:
    """The features of images, shape (N, 224); arguments as in :func:`fit_domain`."""
    network.eval()
    device = network.prompt_embedding.device
    loader = DataLoader(Dataset(items, transform), batch_size=batch_size, collate_fn=list_data_collate)
    rows = [np.zeros((0, network.domain.FEATURES), np.float32)]
    for batch in loader:
        image = torch.as_tensor(batch["image"]).to(device)
        if formats:
            image = torch.stack([reformat(one, sum(map(len, rows)) + index) for index, one in enumerate(image)])
        _, skip8, skip4, detail = network.image_encoder(standardize(image))
        rows.append(network.domain.features(skip8, skip4, detail).cpu().numpy())
    return np.concatenate(rows)


def reformat(image: Tensor, turn: int) -> Tensor:
    """An image (3, S, S) in one of four formats by turn: as it is, its middle alone, a wide or a tall part of it."""
    size = image.shape[-1]
    edge = size // 8
    if turn % 4 == 1:
        middle = image[:, edge : size - edge, edge : size - edge].unsqueeze(0)
        return F.interpolate(middle, size=(size, size), mode="bilinear", align_corners=False)[0]
    kept = torch.zeros_like(image) if turn % 4 else image
    if turn % 4 == 2:
        kept[:, edge : size - edge] = image[:, edge : size - edge]
    elif turn % 4 == 3:
        kept[:, :, edge : size - edge] = image[:, :, edge : size - edge]
    return kept


def set_domain(network: nn.Module, known: np.ndarray, held_out: Sequence[np.ndarray], margin: float = MARGIN) -> None:
    """Put center, covariance and limit into a network.

    Args:
        network: whose ``domain`` is set.
        known: features of the training images, shape (N, 224).
        held_out: of each data set, features that decide the limit.
        margin: see :func:`fit_domain`.
    """
    from sklearn.covariance import LedoitWolf

    center, scale = known.mean(axis=0), known.std(axis=0) + 1e-6
    precision = LedoitWolf(assume_centered=True).fit((known - center) / scale).precision_
    whitening = np.linalg.cholesky(precision) / scale[:, None]
    reach = max(np.quantile((((rows - center) @ whitening) ** 2).sum(axis=1), KNOWN) for rows in held_out)
    network.domain.center.copy_(torch.from_numpy(center))
    network.domain.whitening.copy_(torch.from_numpy(whitening / np.sqrt(margin * reach)))


@torch.no_grad()
def domain_distances(network: nn.Module, features: np.ndarray) -> np.ndarray:
    """Features (N, 224) -> distances in units of the limit, shape (N)."""
    domain = network.domain
    rows: Tensor = torch.from_numpy(features).to(domain.center) - domain.center
    return (rows @ domain.whitening).pow(2).sum(dim=1).cpu().numpy()
