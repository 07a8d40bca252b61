"""The words for a lesion that a network outlined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .lexicon import Lexicon
from .measures.lesion import describe_lesion
from .sentences import write_sentence


class LesionWords:
    """Describes lesions one by one, each measured from its own outline.

    Args:
        lexicon: the site's words; None says nothing.
    """

    def __init__(self, lexicon: Lexicon | None) -> None:
        self.lexicon = lexicon

    def __call__(
        self, picture: np.ndarray, mask: np.ndarray, spacing: Sequence[float]
    ) -> tuple[str, str, dict[str, str]]:
        """Describe one lesion.

        Args:
            picture: the analysed region, uint8, shape (C, H, W).
            mask: of this lesion alone, bool, shape (H, W).
            spacing: [row_mm, column_mm], or empty where unknown.

        Returns:
            A sentence; a few words, of the terms that a reader weighs; the terms, but for the number of lesions. All
            are empty where nothing can be said.
        """
        if self.lexicon is None:
            return "", "", {}
        image = (picture if self.lexicon.colored else picture.mean(axis=0, dtype=np.float32)) / np.float32(255)
        try:
            terms = describe_lesion(image, mask, self.lexicon, spacing[0] / spacing[1] if spacing else 1.0).morphology
            sentence = write_sentence(self.lexicon, terms)
        except Exception:  # noqa: BLE001  an outline too odd to be described must not cost an image its diagnosis
            return "", "", {}
        weighed = ", ".join(f"{name} {terms[name]}" for name in self.lexicon.weighed_terms)
        return sentence, weighed, {name: terms[name] for name in self.lexicon.terms_said}
