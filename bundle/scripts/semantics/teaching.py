"""What stage 1 is taught with: descriptions, or what the ablation puts in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monai.transforms import Transform

from scripts.errors import BundleError

from .lexicon import Lexicon
from .prompts import Prompts
from .sentences import write_term
from .transforms import ClassWordsd, RandPhrased

#: Descriptions; each image with the description of another; the names of the classes instead.
TEXTS = ("descriptions", "shuffled", "class_words")


class Teaching(NamedTuple):
    """Terms and their values, a text for each of its values in the same order, and what writes an item's text."""

    lexicon: dict[str, tuple[str, ...]]
    terms: list[str]
    training: Transform
    validation: Transform


def teach(texts: str, lexicon: Lexicon, prompts: Prompts, classes: Sequence[str]) -> Teaching:
    """Set up one of ``TEXTS``.

    Args:
        texts: which.
        lexicon: the words of descriptions.
        prompts: has the names of the classes in sentences.
        classes: what a lesion can be.

    Raises:
        BundleError: if it is none of them, or a class has no sentence.
    """
    if texts not in TEXTS:
        raise BundleError(f'The texts "{texts}" are unknown; choose one of {", ".join(TEXTS)}.')
    if texts == "class_words":
        if not classes or set(classes) - set(prompts.class_words):
            raise BundleError("The site has no class words; choose other --texts, or give each class a sentence.")
        terms = [prompts.class_words[name] for name in classes]
        words = ClassWordsd(prompts.class_words)
        return Teaching({"class": tuple(classes)}, terms, words, words)
    taught = {term: tuple(lexicon.terms[term]) for term in lexicon.lesion_terms}
    terms = [write_term(lexicon, term, value) for term, values in taught.items() for value in values]
    return Teaching(taught, terms, RandPhrased(lexicon), RandPhrased(lexicon, phrasing=0))
