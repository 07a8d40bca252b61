"""Sentences say what they should, can be read back, and hold no word of diagnosis: over every phrasing."""

from __future__ import annotations

import pytest

from scripts.errors import BundleError
from scripts.semantics import (
    CLASS_WORDS,
    FIXED_PROMPT,
    SYNONYMS,
    TERMS,
    Morphology,
    all_sentences,
    find_forbidden,
    parse_sentence,
    phrasings_of,
    require_context,
    write_sentence,
    write_term,
)
from scripts.semantics.sentences import LESION_PHRASINGS, SLOTS

LESION = Morphology(
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
)


@pytest.fixture(scope="module")
def sentences() -> list[tuple[Morphology, str]]:
    return list(all_sentences())


def test_every_sentence_reads_back(sentences: list[tuple[Morphology, str]]) -> None:
    for morphology, sentence in sentences:
        assert parse_sentence(sentence) == morphology


def test_no_sentence_holds_a_word_of_diagnosis(sentences: list[tuple[Morphology, str]]) -> None:
    """The enumeration holds every value of every slot in every phrasing; so no other combination adds a word."""
    for slot, (_, forms) in SLOTS.items():
        stating = [pattern for pattern in LESION_PHRASINGS if f"{{{slot}}}" in pattern]
        written = {sentence for _, sentence in sentences}
        assert all(any(form in sentence for sentence in written) for form in forms.values()), (slot, stating)
    words = {word for _, sentence in sentences for word in sentence.split()}
    assert [word for word in words if find_forbidden(word)] == []
    assert [sentence for _, sentence in sentences if find_forbidden(sentence)] == []
    assert not any(find_forbidden(prompt) for prompt in (FIXED_PROMPT, *SYNONYMS))


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
        assert find_forbidden(text), text
    assert all(find_forbidden(CLASS_WORDS[word]) for word in ("benign", "malignant"))
    assert not find_forbidden("complex cystic and solid")


def test_every_phrasing_states_every_term() -> None:
    for phrasing in range(len(phrasings_of(LESION))):
        assert parse_sentence(write_sentence(LESION, phrasing)) == LESION
    assert len({write_sentence(LESION, phrasing) for phrasing in range(8)}) == 8


def test_a_sentence_in_full() -> None:
    assert write_sentence(LESION) == (
        "A small, irregular, not parallel lesion with spiculated margin, hypoechoic echo pattern and posterior "
        "shadowing, located at middle depth in the lower right quadrant of the image, in tissue of heterogeneous "
        "echotexture."
    )
    assert write_term("shape", "oval") == "a lesion of oval shape"


def test_sentences_fit_the_shortest_context(sentences: list[tuple[Morphology, str]]) -> None:
    """CLIP's towers take 77 tokens, start and end included."""
    tokenizer = pytest.importorskip("open_clip").SimpleTokenizer()
    longest = sorted({sentence for _, sentence in sentences}, key=len)[-200:]
    require_context(longest, lambda text: len(tokenizer.encode(text)) + 2, 77, "CLIP")
    with pytest.raises(BundleError, match='text tower "tiny" takes 8'):
        require_context(longest[:1], lambda text: len(tokenizer.encode(text)) + 2, 8, '"tiny"')


def test_wrong_terms_and_sentences_are_named() -> None:
    with pytest.raises(
        BundleError, match='"lobular" is no shape of the lexicon; choose one of: oval, round, irregular'
    ):
        Morphology(shape="lobular")
    with pytest.raises(BundleError, match="lacks lesions, tissue, orientation"):
        write_sentence(Morphology(shape="oval"))
    with pytest.raises(BundleError, match='"colour" is no term'):
        write_term("colour", "red")
    with pytest.raises(BundleError, match="is no sentence of this lexicon"):
        parse_sentence("A spot.")
    with pytest.raises(BundleError, match="Unknown description field 'colour'"):
        Morphology.from_dict({"colour": "red"})
    with pytest.raises(BundleError, match="without a lesion names a lesion term"):
        Morphology(lesions="none", shape="oval")


def test_structured_form_survives_json() -> None:
    assert Morphology.from_dict(LESION.as_dict()) == LESION
    assert set(LESION.as_dict()) == set(TERMS)
