"""The inferer of configs and engines: all outputs of the network, by name."""

from __future__ import annotations

from typing import Any

from monai.inferers import Inferer
from monai.utils import convert_to_tensor
from torch import Tensor, nn

from scripts.errors import BundleError, translate


class NamedInferer(Inferer):
    """Asks the network for all its outputs by name instead of the one tensor of ``forward``."""

    def __call__(self, inputs: Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Infer.

        Args:
            inputs: images in [0, 1], shape (B, 3, S, S).
            network: a :class:`scripts.networks.RadVLSM`.
            args: the embedding of another text than the fixed prompt, one per image, shape (B, 256), or nothing.

        Returns:
            The dictionary of :meth:`RadVLSM.forward_named`.

        Raises:
            BundleError: if the network cannot take images of this shape, or not so few in training.
        """
        try:
            return network.forward_named(convert_to_tensor(inputs, track_meta=False), *args)
        except ValueError as error:  # TorchScript, which the network must compile to, knows no errors of ours
            sentence = f"{error} Choose another --image_size, or mend the preprocessing."
            raise (translate(error) or BundleError(sentence)) from error
