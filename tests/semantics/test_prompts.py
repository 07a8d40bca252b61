"""What an image is asked for, in training and in the swaps."""

from __future__ import annotations

import pytest

from scripts.errors import BundleError
from scripts.networks import TextTower
from scripts.semantics import (
    FIXED_PROMPT,
    LESION_PROMPTS,
    OTHER_PROMPTS,
    PROMPT_SWAPS,
    TERMS,
    TEXTS,
    RandPrompt,
    fill_prompt,
    find_forbidden,
    other_words,
    teach,
)


def test_the_swaps_are_held_out_of_training() -> None:
    words = other_words(TextTower().vocabulary())
    assert len(words) > 10_000
    spoken = {word for texts in PROMPT_SWAPS.values() for text in texts for word in text.lower().strip(".").split()}
    assert not spoken & set(words), "a word of a swap is drawn in training"
    diseases = {"breastcancer", "leukemia", "oncology", "chemotherapy", "tumors"}
    lesions = {"masses", "lump", "breasts", "tissues", "cystic", "nodules", "irregular", "shadowing"}
    assert not (diseases | lesions) & set(words)
    swapped = {text for name, texts in PROMPT_SWAPS.items() if name not in ("fixed", "empty") for text in texts}
    assert not swapped & {*LESION_PROMPTS, *OTHER_PROMPTS}
    assert FIXED_PROMPT in LESION_PROMPTS


def test_no_prompt_speaks_of_a_diagnosis() -> None:
    words = other_words(["teapot", "benign", "malignancy", "cancer", "lesion", "breast", "ox"])
    assert words == []  # "teapot" is in a swap, "ox" too short
    words = other_words(["gravestone", "Velvet", "kettle"])
    assert words == ["gravestone", "kettle"]
    for pattern in (*LESION_PROMPTS, *OTHER_PROMPTS):
        assert not find_forbidden(fill_prompt(pattern, words, lambda n: n - 1))


def test_prompts_are_drawn_as_often_as_said_and_repeatably() -> None:
    ask = RandPrompt(["kettle"], other_prob=0.25, fixed_prob=0.5)

    def draw(seed: int) -> list[dict]:
        ask.set_random_state(seed=seed)
        return [ask({}) for _ in range(400)]

    items = draw(0)
    assert draw(0) == items
    assert sum(1 - item["asked"] for item in items) / 400 == pytest.approx(0.25, abs=0.06)
    asked = [item["prompt"] for item in items if item["asked"]]
    assert asked.count(FIXED_PROMPT) / len(asked) == pytest.approx(0.5, abs=0.1)
    others = {item["prompt"] for item in items if not item["asked"]}
    assert "" in others and not any("lesion" in text or "breast" in text for text in others)


def test_teaching_embeds_a_text_for_every_value() -> None:
    for texts in TEXTS:
        lesson = teach(texts)
        assert len(lesson.terms) == sum(len(values) for values in lesson.lexicon.values()) == len(set(lesson.terms))
    assert teach("descriptions").lexicon["shape"] == TERMS["shape"]
    item = {"diagnosis": "malignant", "morphology": {"shape": "oval"}}
    assert teach("class_words").training(item)["description"].startswith("A malignant lesion")
    with pytest.raises(BundleError, match='"poems" are unknown'):
        teach("poems")
