"""Sentences say what they should, can be read back, and hold no word of diagnosis: over every phrasing."""

from __future__ import annotations

import json

import pytest

from scripts.errors import BundleError
from scripts.networks import TextTower
from scripts.semantics import Morphology, all_sentences, parse_sentence, phrasings_of, write_sentence, write_term
from scripts.semantics.lexicons.breast_ultrasound import make_lexicon, make_prompts
from scripts.semantics.lexicons.breast_ultrasound.prompts import SYNONYMS

LEXICON, PROMPTS = make_lexicon(), make_prompts()
LESION = Morphology(
    LEXICON,
    dict(
        lesions="one",
        shape="irregular",
        orientation="not parallel",
        margin="spiculated",
        echo="hypoechoic",
        posterior="shadowing",
        size="small",
        depth="middle",
        quadrant="lower right",
        tissue="heterogeneous",
    ),
)


@pytest.fixture(scope="module")
def sentences() -> list[tuple[Morphology, str]]:
    return list(all_sentences(LEXICON))


def test_every_sentence_reads_back(sentences: list[tuple[Morphology, str]]) -> None:
    for morphology, sentence in sentences:
        assert parse_sentence(LEXICON, sentence) == morphology


def test_no_sentence_holds_a_word_of_diagnosis(sentences: list[tuple[Morphology, str]]) -> None:
    """The enumeration holds every value of every slot in every phrasing; so no other combination adds a word."""
    for slot, (_, forms) in LEXICON.slots.items():
        stating = [pattern for pattern in LEXICON.lesion_phrasings if f"{{{slot}}}" in pattern]
        written = {sentence for _, sentence in sentences}
        assert all(any(form in sentence for sentence in written) for form in forms.values()), (slot, stating)
    words = {word for _, sentence in sentences for word in sentence.split()}
    assert [word for word in words if LEXICON.find_forbidden(word)] == []
    assert [sentence for _, sentence in sentences if LEXICON.find_forbidden(sentence)] == []
    assert not any(LEXICON.find_forbidden(prompt) for prompt in (PROMPTS.fixed, *SYNONYMS))


def test_the_forbidden_words_are_found() -> None:
    """The test above can fail: words of diagnosis are seen in any case and ending."""
    for text in (
        "Probably Benign.",
        "malignancy",
        "a cyst",
        "BI-RADS 4",
        "Highly suspicious",
        "fibroadenoma",
        "cancers",
    ):
        assert LEXICON.find_forbidden(text), text
    assert all(LEXICON.find_forbidden(PROMPTS.class_words[word]) for word in ("benign", "malignant"))
    assert not LEXICON.find_forbidden("complex cystic and solid")


def test_every_phrasing_states_every_term() -> None:
    for phrasing in range(len(phrasings_of(LEXICON, LESION))):
        assert parse_sentence(LEXICON, write_sentence(LEXICON, LESION, phrasing)) == LESION
    assert len({write_sentence(LEXICON, LESION, phrasing) for phrasing in range(8)}) == 8


def test_a_sentence_in_full() -> None:
    assert write_sentence(LEXICON, LESION) == (
        "A small, irregular, not parallel lesion with spiculated margin, hypoechoic echo pattern and posterior "
        "shadowing, located at middle depth in the lower right quadrant of the image, in tissue of heterogeneous "
        "echotexture."
    )
    assert write_term(LEXICON, "shape", "oval") == "a lesion of oval shape"


def test_sentences_fit_the_shortest_context(sentences: list[tuple[Morphology, str]]) -> None:
    """CLIP's towers take 77 tokens, start and end included, and ours as many; a longer text is refused."""
    longest = sorted({sentence for _, sentence in sentences}, key=len)[-200:]
    assert TextTower().tokenize(longest).shape == (200, 77)


def test_wrong_terms_and_sentences_are_named() -> None:
    with pytest.raises(
        BundleError, match='"lobular" is no shape of the lexicon; choose one of: oval, round, irregular'
    ):
        Morphology(LEXICON, {"shape": "lobular"})
    with pytest.raises(BundleError, match="lacks lesions, tissue, orientation"):
        write_sentence(LEXICON, {"shape": "oval"})
    with pytest.raises(BundleError, match='"colour" is no term'):
        write_term(LEXICON, "colour", "red")
    with pytest.raises(BundleError, match="is no sentence of this lexicon"):
        parse_sentence(LEXICON, "A spot.")
    with pytest.raises(BundleError, match='"colour" is no term of the lexicon; choose one of: lesions, shape'):
        Morphology(LEXICON, {"colour": "red"})
    with pytest.raises(BundleError, match="without a lesion names a lesion term"):
        Morphology(LEXICON, {"lesions": "none", "shape": "oval"})


def test_structured_form_survives_json() -> None:
    assert Morphology(LEXICON, json.loads(json.dumps(dict(LESION)))) == LESION
    assert list(LESION) == list(LEXICON.terms)
