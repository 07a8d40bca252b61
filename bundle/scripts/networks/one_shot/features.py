"""By what a reference and an image are compared, and the linear discriminant that tells lesion from surroundings."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Of an encoder's stages, those at S/8 and S/16, as they are before the top-down path.
STAGES = (2, 3)


def observe(encoder: nn.Module, image: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], list[Tensor]]:
    """What an encoder returns, and what each cell of S/8 looks like at several scales.

    The encoder's finer maps, those of its stages where it has any, the colours themselves, and how far a cell lies
    from the middle: the deeper a feature, the more it knows of the lesions that the encoder was trained on, and the
    less of others. Colours come as they are, and relative to the whole image, of the cell and of its surroundings.

    Args:
        encoder: of the network.
        image: as the encoder takes it, shape (B, 3, S, S).

    Returns:
        The encoder's four maps, and features, maps (B, C, S/8, S/8).
    """
    stages: list[Tensor] = []
    if hasattr(encoder, "bottom_up"):
        maps = encoder.bottom_up(image)
        stages = [maps[index] for index in STAGES]
        embedding, skip8, skip4, detail = encoder.top_down(maps)
    else:
        embedding, skip8, skip4, detail = encoder(image)
    grid = [skip8.shape[2], skip8.shape[3]]
    colors = F.adaptive_avg_pool2d(image, grid)
    mean, deviation = image.mean(dim=(2, 3), keepdim=True), image.std(dim=(2, 3), keepdim=True)
    relative = (colors - mean) / deviation.clamp(min=1e-3)
    features = [skip8, F.adaptive_avg_pool2d(skip4, grid), F.adaptive_avg_pool2d(detail, grid), colors, relative]
    features += [F.avg_pool2d(relative, 3, 1, 1), _places(grid[0], image).expand(image.shape[0], -1, -1, -1)]
    features += [F.interpolate(stage, size=grid, mode="bilinear", align_corners=False) for stage in stages]
    return (embedding, skip8, skip4, detail), features


def _places(size: int, like: Tensor) -> Tensor:
    """Row, and squared distances from the middle column and row, shape (1, 3, size, size); left and right are alike.

    A discriminant of squares is a Gaussian: this is the spatial prior.
    """
    middle = (torch.arange(size, device=like.device, dtype=like.dtype) + 0.5) / size - 0.5
    rows, columns = middle[:, None].expand(size, size), middle[None, :].expand(size, size)
    return torch.stack([rows, rows * rows, columns * columns]).unsqueeze(0)


def fit_discriminant(maps: list[Tensor], inside: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """Linear discriminant of the cells inside and outside (Fisher, 1936), both weighing alike.

    Args:
        maps: features of the references, each (N, C, h, w), D channels in all.
        inside: share of each cell inside the mask, shape (N, 1, h, w), neither 0 nor 1 everywhere.
        ridge: added to the variances, in units of the mean variance; the larger, the closer to the difference of both
            means. One image says little of how features vary.

    Returns:
        Weights (D) and bias: their sum is positive where a cell is nearer to the inside, and about +-3 at the means.
    """
    cells = torch.cat(maps, dim=1).permute(0, 2, 3, 1).flatten(0, 2).double()
    share = inside.permute(0, 2, 3, 1).flatten().double()
    # Each map has the same say, however many channels it has.
    channels = torch.cat([torch.full((each.shape[1],), each.shape[1], device=each.device) for each in maps])
    spread = cells.std(dim=0).clamp(min=1e-4) * channels.double().sqrt()
    cells = cells / spread
    within, outside = share / share.sum(), (1 - share) / (1 - share).sum()
    lesion, surroundings = within @ cells, outside @ cells
    scatter = sum(
        ((cells - mean) * weight[:, None]).T @ (cells - mean) / 2
        for mean, weight in ((lesion, within), (surroundings, outside))
    )
    scatter.diagonal().add_(ridge * scatter.diagonal().mean())
    direction = torch.linalg.solve(scatter, lesion - surroundings)
    scale = 6.0 / (direction @ (lesion - surroundings)).clamp(min=1e-6)
    bias = -scale * (direction @ (lesion + surroundings)) / 2
    return (scale * direction / spread).float(), bias.float()


def own_threshold(response: Tensor) -> Tensor:
    """Halfway between an image's median and its highest cells: exposure and distance shift whole images.

    Args:
        response: logits, shape (B, 1, h, w).

    Returns:
        Shape (B, 1, 1, 1).
    """
    ends = torch.quantile(response.flatten(1), torch.tensor([0.5, 0.98], device=response.device), dim=1)
    return ends.mean(dim=0).reshape(-1, 1, 1, 1)


def best_threshold(response: Tensor, inside: Tensor) -> Tensor:
    """The logit above which the references' cells are outlined best.

    Inside and outside weigh alike in the discriminant, however small a lesion is: 0 outlines too much of small ones.

    Args:
        response: logits of the references, shape (N, 1, h, w).
        inside: share of each cell inside the mask, shape (N, 1, h, w).

    Returns:
        Between -3 and 3, of the largest mean Dice.
    """
    thresholds = torch.linspace(-3.0, 3.0, 25, device=response.device)
    found = torch.sigmoid(4 * (response.unsqueeze(0) - thresholds.reshape(-1, 1, 1, 1, 1)))
    sizes = found.sum(dim=(2, 3, 4)) + inside.sum(dim=(1, 2, 3))
    dice = (2 * (found * inside).sum(dim=(2, 3, 4)) / sizes).mean(dim=1)
    return thresholds[dice.argmax()]
