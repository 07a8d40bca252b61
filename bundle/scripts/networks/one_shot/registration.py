"""From reference images and masks to a :class:`Reference`: seen once in all views, then learned from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from monai.networks.utils import eval_mode
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.networks.encoders.blocks import standardize

from .features import best_threshold, fit_discriminant, observe
from .priors import mask_moments
from .reference import Reference, features_digest


@dataclass(frozen=True)
class Views:
    """What a network sees of N references, in V views each.

    Attributes:
        features: of each view, maps (N, V, C, S/8, S/8).
        embedding: the image embedding E, shape (N, V, 256, S/16, S/16).
        masks: 0 or 1, shape (N, V, 1, S, S); the first view is the image itself.
    """

    features: list[Tensor]
    embedding: Tensor
    masks: Tensor


def as_views(images: Tensor, turned: bool) -> Tensor:
    """Images (N, C, S, S) as they are and mirrored, or in all eight positions of a square, shape (N, V, C, S, S)."""
    turns = [images.rot90(quarter, (2, 3)) for quarter in range(4 if turned else 1)]
    return torch.stack([view for turn in turns for view in (turn, turn.flip(-1))], dim=1)


@torch.no_grad()
def see_references(network: nn.Module, images: Tensor, masks: Tensor, gray: bool) -> Views:
    """Look at references in all their views.

    Either side of a body may hold the lesion: each is seen mirrored, too. A coloured image is taken by a camera or a
    dermatoscope that may be turned; ultrasound has the probe on top.

    Args:
        network: a :class:`scripts.networks.RadVLSM`, weights loaded, shown no reference yet.
        images: in [0, 1], shape (N, 3, S, S).
        masks: 0 or 1, shape (N, 1, S, S).
        gray: whether colour was reduced to its luma.
    """
    device = network.prompt_embedding.device
    embeddings, features = [], []
    with eval_mode(network):
        for views in as_views(images, turned=not gray):
            maps, matched = observe(network.image_encoder, standardize(views.to(device)))
            position = network.prompt_encoder.pe_layer.grid(maps[0].shape[2], maps[0].shape[3])
            told, _ = network.semantic_prompter(maps[0], maps[1], position, network.prompt_embedding)
            embeddings.append(maps[0])
            features.append([*matched, told])
    stacked = [torch.stack(maps) for maps in zip(*features, strict=True)]
    return Views(stacked, torch.stack(embeddings), as_views(masks, turned=not gray).to(device))


def learn_references(network: nn.Module, views: Views, gray: bool, ridge: float) -> Reference:
    """Learn what lesions look like from views of images that show them.

    Args:
        network: whose views they are.
        views: of N references; their masks neither empty nor full.
        gray: kept with the reference.
        ridge: of one reference, see :func:`fit_discriminant`; divided by N squared, for the more there are, the more
            they say of how features vary.
    """
    count, masks = len(views.masks), views.masks.flatten(0, 1)
    maps = [each.flatten(0, 1) for each in views.features]
    inside = F.adaptive_avg_pool2d(masks, maps[0].shape[-2:])
    weights, bias = fit_discriminant(maps, inside, ridge / count**2)
    response = torch.einsum("bdhw,d->bhw", torch.cat(maps, dim=1), weights).unsqueeze(1) + bias
    bias = bias - best_threshold(response, inside)
    embedding = views.embedding.flatten(0, 1)
    inside = F.adaptive_avg_pool2d(masks, embedding.shape[-2:])
    prototype = (embedding * inside).sum(dim=(0, 2, 3)) / inside.sum()
    return Reference(
        network=features_digest(network),
        image_size=masks.shape[-1],
        gray=gray,
        images=count,
        weights=weights.cpu(),
        bias=bias.cpu(),
        prototype=prototype.cpu(),
        moments=mask_moments(views.masks[:, 0]).cpu(),
    )


def register_references(network: nn.Module, images: Tensor, masks: Tensor, gray: bool, ridge: float) -> Reference:
    """:func:`see_references`, then :func:`learn_references`."""
    return learn_references(network, see_references(network, images, masks, gray), gray, ridge)
