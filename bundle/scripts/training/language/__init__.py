"""Training of the closed loop: copies of images, batches of questions, losses, the inferer of validation."""

from .batches import AnswerInferer, PrepareQuestionBatch, asked_masks
from .copies import ChangeCopyd, EncodeImaged, with_copies
from .loss import LanguageLoss
from .schedule import linear_decay

__all__ = [
    "AnswerInferer",
    "ChangeCopyd",
    "EncodeImaged",
    "LanguageLoss",
    "PrepareQuestionBatch",
    "asked_masks",
    "linear_decay",
    "with_copies",
]
