"""Language models of `transformers` for the closed loop: loaded, adapted, attended to, kept."""

from .attention import ORDERS, attention_mask, position_ids
from .checkpoints import load_loop, save_loop, stand_on
from .loading import load_language_model
from .model import SEG, LanguageModel
from .small import write_small_model

__all__ = [
    "ORDERS",
    "SEG",
    "LanguageModel",
    "attention_mask",
    "load_language_model",
    "load_loop",
    "position_ids",
    "save_loop",
    "stand_on",
    "write_small_model",
]
