"""From the network's output to one typed finding per image: native masks, sizes, candidates."""

import warnings

from .batches import DecollateItems, GuardedCompose, collate_items
from .finding import DescribeLesiond, KeepPictured
from .measurements import measure_size
from .native_masks import MaskProbabilitiesd, PasteCropd

__all__ = [
    "DecollateItems",
    "DescribeLesiond",
    "GuardedCompose",
    "KeepPictured",
    "MaskProbabilitiesd",
    "PasteCropd",
    "collate_items",
    "measure_size",
]

# MONAI 1.6 hands RemoveSmallObjects' size to scikit-image under the name that it had before 0.26.
warnings.filterwarnings("ignore", "Parameter `min_size` is deprecated", FutureWarning)
