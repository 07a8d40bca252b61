"""What stage 1 is taught with: descriptions, or what the ablation puts in their place."""

from __future__ import annotations

from typing import NamedTuple

from monai.transforms import Transform

from scripts.errors import BundleError

from .lexicon import LESION_TERMS, TERMS
from .prompts import CLASS_WORDS
from .sentences import write_term
from .transforms import ClassWordsd, RandPhrased

#: Descriptions; each image with the description of another; the names of the classes instead.
TEXTS = ("descriptions", "shuffled", "class_words")


class Teaching(NamedTuple):
    """The lexicon of the texts, a text for each of its values in the same order, and what writes an item's text."""

    lexicon: dict[str, tuple[str, ...]]
    terms: list[str]
    training: Transform
    validation: Transform


def teach(texts: str) -> Teaching:
    """Set up one of ``TEXTS``.

    Raises:
        BundleError: if it is none of them.
    """
    if texts not in TEXTS:
        raise BundleError(f'The texts "{texts}" are unknown; choose one of {", ".join(TEXTS)}.')
    if texts == "class_words":
        terms = [CLASS_WORDS[value] for value in ClassWordsd.LEXICON["class"]]
        return Teaching(dict(ClassWordsd.LEXICON), terms, ClassWordsd(), ClassWordsd())
    lexicon = {term: TERMS[term] for term in LESION_TERMS}
    terms = [write_term(term, value) for term, values in lexicon.items() for value in values]
    return Teaching(lexicon, terms, RandPhrased(), RandPhrased(phrasing=0))
