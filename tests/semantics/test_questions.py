"""Questions refer to what is there, answers are true of it, and what is false is found."""

import numpy as np
import pytest
import torch

from scripts.errors import BundleError
from scripts.semantics import DescribeRegionsd, describe_region, separate_regions
from scripts.semantics.lexicons.breast_ultrasound import make_lexicon, make_prompts
from scripts.semantics.questions import (
    ASK_ALL,
    KINDS,
    NO_LESION,
    NONE_OF_KIND,
    SEG,
    RandQuestiond,
    check_words,
    choose_related,
    matching,
    read_answer,
    refer_to,
    training_texts,
    unknown_words,
    write_answer,
)

LEXICON = make_lexicon()


def picture_of(*ellipses):
    """Speckle with dark ellipses (row, column, height, width), and their mask."""
    rows, columns = np.mgrid[:96, :128]
    image = 0.4 + 0.2 * np.random.default_rng(0).random((96, 128))
    mask = np.zeros((96, 128), bool)
    for row, column, height, width in ellipses:
        mask |= ((rows - row) / height) ** 2 + ((columns - column) / width) ** 2 < 1
    image[mask] *= 0.3
    return torch.tensor(image[None], dtype=torch.float32), torch.tensor(mask[None])


TWO = ((25, 30, 8, 12), (65, 95, 16, 20))


@pytest.fixture()
def item():
    image, label = picture_of(*TWO)
    return DescribeRegionsd(LEXICON)({"image": image, "label": label})


def asking(kind, **options):
    weights = [float(name == kind) for name in KINDS]
    return RandQuestiond(LEXICON, make_prompts(), weights=weights, **options)


def test_lesions_are_told_apart_and_described_one_by_one(item):
    larger, smaller = item["regions"]
    assert (larger["quadrant"], smaller["quadrant"]) == ("lower right", "upper left")
    assert {region["lesions"] for region in item["regions"]} == {"one"}
    assert item["label"].unique().tolist() == [0, 1, 2]
    assert int((item["label"] == 1).sum()) > int((item["label"] == 2).sum())


def test_terms_are_said_as_one_would_say_them():
    terms = {"size": "small", "shape": "irregular", "quadrant": "upper left"}
    assert refer_to(LEXICON, terms, "mass", short=True) == "small irregular mass in the upper left"
    whole = "small lesion of irregular shape and in the upper left quadrant of the image"
    assert refer_to(LEXICON, terms) == whole


def test_the_lesion_asked_for_is_the_one_meant(item):
    masks = [(item["label"][0] == number).numpy() for number in (1, 2)]
    meant = {name: choose_related(masks, name) for name in ("smaller", "larger", "upper", "lower", "left", "right")}
    assert meant == {"smaller": 1, "larger": 0, "upper": 1, "lower": 0, "left": 1, "right": 0}
    assert matching(item["regions"], {"quadrant": "upper left"}) == [1]
    assert matching(item["regions"], {"quadrant": "lower left"}) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_true_of_its_targets(item, kind):
    ask = asking(kind)
    ask.set_random_state(4)
    for _ in range(30):
        asked = ask(dict(item))
        drawn = [target.numpy() > 0 for target in asked["targets"] if target.any()]
        assert asked["answer"].count(SEG) == len(drawn)
        image = item["image"][0].numpy()
        measured = [describe_region(image, mask, LEXICON) for mask in drawn]
        assert check_words(LEXICON, asked["answer"], measured) == [{}] * len(drawn)
        if not drawn:
            assert asked["answer"] == NONE_OF_KIND
    assert kind != "other" or not asked["targets"].any()


def test_the_measured_question_holds_nothing_of_the_mask(item):
    nothing = {**item, "label": torch.zeros_like(item["label"]), "regions": []}
    ask = asking("terms", question=ASK_ALL[0])
    with_lesions, without = ask(dict(item)), ask(nothing)
    assert with_lesions["question"] == without["question"] == ASK_ALL[0]
    assert without["answer"] == NO_LESION and not without["targets"].any()


def test_class_names_only_is_an_answer_without_descriptions(item):
    assert write_answer(LEXICON, item["regions"], True, described=False) == f"A lesion. {SEG} A lesion. {SEG}"


def test_a_false_word_is_found_and_an_unread_sentence_is_not_checked(item):
    larger = item["regions"][0]
    wrong = {**larger, "shape": "irregular" if larger["shape"] != "irregular" else "oval"}
    answer = f"{write_answer(LEXICON, [wrong], True)} Something else. {SEG}"
    assert read_answer(LEXICON, answer)[1] == {}
    assert check_words(LEXICON, answer, item["regions"]) == [{"shape": (wrong["shape"], larger["shape"])}, None]


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("Outline the irregular mass in the upper left and describe it.", []),
        ("Which one is the smaller of the two?", []),
        ("Umreiße den Herd in der Niere.", ["umreiße", "den", "herd", "der", "niere"]),
        ("Outline the lesion in the kidney.", ["kidney"]),
    ],
)
def test_words_that_were_never_taught_are_named(question, unknown):
    assert unknown_words(LEXICON, question, "breast ultrasound") == unknown


def test_no_text_of_training_has_a_word_of_diagnosis():
    assert not [text for text in training_texts(LEXICON) if LEXICON.find_forbidden(text)]


def test_parts_come_largest_first():
    _, mask = picture_of(*TWO)
    sizes = [int(part.sum()) for part in separate_regions(mask[0].numpy())]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == 2
    assert separate_regions(np.zeros((4, 4))) == []


def test_weights_of_questions_are_checked():
    with pytest.raises(BundleError, match="give a weight for each of all, terms, relation, other"):
        RandQuestiond(LEXICON, make_prompts(), weights=[1.0])
