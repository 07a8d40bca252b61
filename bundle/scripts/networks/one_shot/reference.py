"""What references teach, as a small file: a discriminant, prototypes, priors, and which network they are of."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from scripts.errors import BundleError
from scripts.writing.files import write_whole

#: The parts of a network whose features a reference rests on.
_PARTS = ("image_encoder.", "semantic_prompter.", "prompt_embedding")


@dataclass(frozen=True)
class Reference:
    """What one or several reference images say of a kind of lesion.

    Attributes:
        network: digest of the network whose features these are, see :func:`features_digest`.
        image_size: S, pixels.
        gray: whether colour was reduced to its luma.
        images: how many references there were.
        weights: of the features, see :func:`scripts.networks.one_shot.features.match_features`, shape (D).
        bias: added to their sum; a cell is of a lesion above 0.
        prototype: masked mean of the image embedding E, shape (256), for RCMed's recipe.
        moments: of each mask, shape (images, 5).
    """

    network: str
    image_size: int
    gray: bool
    images: int
    weights: Tensor
    bias: Tensor
    prototype: Tensor
    moments: Tensor

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, hexadecimal."""
        return _digest([self.weights, self.bias, self.prototype, self.moments])

    def save(self, path: str | Path) -> Path:
        """Write the file for :func:`read_reference`."""
        content = io.BytesIO()
        torch.save(asdict(self), content)
        write_whole(path, content.getvalue())
        return Path(path)


def features_digest(network: nn.Module) -> str:
    """SHA-256 of the parts of a network that references rest on: weights that differ there need other references."""
    return _digest([value for name, value in network.state_dict().items() if name.startswith(_PARTS)])


def read_reference(path: str | Path, network: nn.Module, image_size: int, gray: bool) -> Reference:
    """Read a file of :meth:`Reference.save`.

    Args:
        path: the file.
        network: a :class:`scripts.networks.RadVLSM`, weights loaded.
        image_size: S of this run.
        gray: whether this run reduces colour to its luma.

    Raises:
        BundleError: the file does not exist, is no reference, or was made with other weights or options.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise BundleError(f'The reference "{path}" does not exist; check --reference.') from None
    except Exception:  # torch names a dozen kinds of broken files
        content = None
    if not isinstance(content, dict) or set(content) != {field.name for field in fields(Reference)}:
        raise BundleError(f'"{path}" is no reference file; make one with "run register", or give an image with a mask.')
    reference = Reference(**content)
    if reference.network != features_digest(network):
        raise BundleError(
            f'The reference "{path}" was registered with other weights; register its images again with these.'
        )
    if reference.image_size != image_size:
        raise BundleError(
            f'The reference "{path}" was registered at --image_size {reference.image_size}; use the same here.'
        )
    if reference.gray != gray:
        kinds = ("in colour", "in gray")
        raise BundleError(
            f'The reference "{path}" was registered {kinds[reference.gray]}, but images are read {kinds[gray]}; '
            f"give --gray {str(reference.gray).lower()}."
        )
    return reference


def _digest(values: list[Tensor]) -> str:
    digest = hashlib.sha256()
    for value in values:
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
