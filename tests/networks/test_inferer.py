"""Images that the network cannot take."""

import pytest
import torch

from scripts.errors import BundleError
from scripts.networks import NamedInferer


@pytest.mark.parametrize("shape", [(1, 3, 100, 100), (1, 1, 64, 64), (1, 3, 64, 96)], ids=str)
def test_one_sentence_names_the_shape(make_network, shape):
    with pytest.raises(BundleError, match="multiple of 32, but got .* --image_size") as raised:
        NamedInferer()(torch.zeros(shape), make_network())
    assert str(list(shape)) in str(raised.value)
