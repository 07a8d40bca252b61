"""From the network's outputs to one typed finding per image: native masks, sizes, candidates."""

import warnings

from .answers import Answer, read_answer
from .batches import DecollateItems, GuardedCompose, collate_items
from .domain import JudgeDomaind
from .finding import Candidate, Descriptor, Evidence, Finding, Lesion, Size
from .lesion_answers import DiagnoseLesionsd
from .measurements import measure_size
from .native_masks import MaskProbabilitiesd, PasteCropd, WithinBoxd
from .tracks import StudyRules
from .transforms import KeepPictured, MakeFindingd, make_finding

__all__ = [
    "Answer",
    "Candidate",
    "DecollateItems",
    "Descriptor",
    "DiagnoseLesionsd",
    "Evidence",
    "Finding",
    "GuardedCompose",
    "JudgeDomaind",
    "KeepPictured",
    "Lesion",
    "MakeFindingd",
    "MaskProbabilitiesd",
    "PasteCropd",
    "Size",
    "StudyRules",
    "WithinBoxd",
    "collate_items",
    "make_finding",
    "measure_size",
    "read_answer",
]

# MONAI 1.6 hands RemoveSmallObjects' size to scikit-image under the name that it had before 0.26.
warnings.filterwarnings("ignore", "Parameter `min_size` is deprecated", FutureWarning)
