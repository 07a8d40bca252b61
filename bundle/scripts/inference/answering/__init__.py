"""A question put to every image of a folder, answered in words and masks."""

from .answerer import Answerer, Told
from .folder import COLUMNS, TABLE, answer_folder

__all__ = ["COLUMNS", "TABLE", "Answerer", "Told", "answer_folder"]
