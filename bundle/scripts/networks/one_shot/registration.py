"""From reference images and masks to a :class:`Reference`, in one pass through the network."""

import torch
from monai.networks.utils import eval_mode
from torch import Tensor, nn
from torch.nn import functional as F

from scripts.networks.encoders.blocks import standardize

from .features import best_threshold, fit_discriminant, match_features
from .priors import mask_moments
from .reference import Reference, features_digest


@torch.no_grad()
def register_references(network: nn.Module, images: Tensor, masks: Tensor, gray: bool, ridge: float) -> Reference:
    """Learn what lesions look like from images that show them.

    Args:
        network: a :class:`scripts.networks.RadVLSM`, weights loaded, shown no reference yet.
        images: in [0, 1], shape (N, 3, S, S).
        masks: 0 or 1, none of them empty or full, shape (N, 1, S, S).
        gray: whether colour was reduced to its luma; kept with the reference.
        ridge: see :func:`fit_discriminant`.
    """
    device = network.prompt_embedding.device
    with eval_mode(network):
        # Either side of a body may hold the lesion: each reference is seen mirrored, too.
        views, drawn = (torch.cat([maps, maps.flip(-1)]).to(device) for maps in (images, masks))
        views = standardize(views)
        embedding, skip8, skip4, detail = network.image_encoder(views)
        position = network.prompt_encoder.pe_layer.grid(embedding.shape[2], embedding.shape[3])
        told, _ = network.semantic_prompter(embedding, skip8, position, network.prompt_embedding)
    maps = [*match_features(views, skip8, skip4, detail), told]
    inside = F.adaptive_avg_pool2d(drawn, skip8.shape[-2:])
    weights, bias = fit_discriminant(maps, inside, ridge)
    response = torch.einsum("bdhw,d->bhw", torch.cat(maps, dim=1), weights).unsqueeze(1) + bias
    bias = bias - best_threshold(response, inside)
    inside = F.adaptive_avg_pool2d(drawn, embedding.shape[-2:])
    prototype = (embedding * inside).sum(dim=(0, 2, 3)) / inside.sum()
    return Reference(
        network=features_digest(network),
        image_size=images.shape[-1],
        gray=gray,
        images=len(images),
        weights=weights.cpu(),
        bias=bias.cpu(),
        prototype=prototype.cpu(),
        moments=mask_moments(masks),
    )
