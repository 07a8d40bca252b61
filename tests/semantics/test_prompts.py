"""What an image is asked for, in training and in the swaps."""

from __future__ import annotations

import pytest

from scripts.errors import BundleError
from scripts.networks import TextTower
from scripts.semantics import OTHER_PROMPTS, TEXTS, RandPrompt, fill_prompt, other_words, teach
from scripts.semantics.lexicons.breast_ultrasound import make_lexicon, make_prompts

LEXICON, PROMPTS = make_lexicon(), make_prompts()


def test_the_swaps_are_held_out_of_training() -> None:
    words = other_words(TextTower().vocabulary(), PROMPTS, LEXICON)
    assert len(words) > 10_000
    spoken = {word for texts in PROMPTS.swaps.values() for text in texts for word in text.lower().strip(".").split()}
    assert not spoken & set(words), "a word of a swap is drawn in training"
    diseases = {"breastcancer", "leukemia", "oncology", "chemotherapy", "tumors"}
    lesions = {"masses", "lump", "breasts", "tissues", "cystic", "nodules", "irregular", "shadowing"}
    assert not (diseases | lesions) & set(words)
    swapped = {text for name, texts in PROMPTS.swaps.items() if name not in ("fixed", "empty") for text in texts}
    assert not swapped & {*PROMPTS.lesion, *OTHER_PROMPTS}
    assert PROMPTS.fixed in PROMPTS.lesion


def test_no_prompt_speaks_of_a_diagnosis() -> None:
    words = other_words(["teapot", "benign", "malignancy", "cancer", "lesion", "breast", "ox"], PROMPTS, LEXICON)
    assert words == []  # "teapot" is in a swap, "ox" too short
    words = other_words(["gravestone", "Velvet", "kettle"], PROMPTS, LEXICON)
    assert words == ["gravestone", "kettle"]
    for pattern in (*PROMPTS.lesion, *PROMPTS.other):
        assert not LEXICON.find_forbidden(fill_prompt(pattern, words, lambda n: n - 1))


def test_prompts_are_drawn_as_often_as_said_and_repeatably() -> None:
    ask = RandPrompt(PROMPTS, ["kettle"], other_prob=0.25, fixed_prob=0.5)

    def draw(seed: int) -> list[dict]:
        ask.set_random_state(seed=seed)
        return [ask({}) for _ in range(400)]

    items = draw(0)
    assert draw(0) == items
    assert sum(1 - item["asked"] for item in items) / 400 == pytest.approx(0.25, abs=0.06)
    asked = [item["prompt"] for item in items if item["asked"]]
    assert asked.count(PROMPTS.fixed) / len(asked) == pytest.approx(0.5, abs=0.1)
    others = {item["prompt"] for item in items if not item["asked"]}
    assert "" in others and not any("lesion" in text or "breast" in text for text in others)


def test_teaching_embeds_a_text_for_every_value() -> None:
    given = (LEXICON, PROMPTS, ("benign", "malignant"))
    for texts in TEXTS:
        lesson = teach(texts, *given)
        assert len(lesson.terms) == sum(len(values) for values in lesson.lexicon.values()) == len(set(lesson.terms))
    assert teach("descriptions", *given).lexicon["shape"] == LEXICON.terms["shape"]
    item = {"diagnosis": "malignant", "morphology": {"shape": "oval"}}
    assert teach("class_words", *given).training(item)["description"].startswith("A malignant lesion")
    with pytest.raises(BundleError, match='"poems" are unknown'):
        teach("poems", *given)
    with pytest.raises(BundleError, match="no class words"):
        teach("class_words", LEXICON, PROMPTS, ())
