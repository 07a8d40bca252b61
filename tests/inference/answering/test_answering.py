"""`run answer`: rows, masks, marks of contradiction; a batch goes on whatever one file is."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.errors import BundleError
from scripts.inference.answering import COLUMNS, Answerer, answer_folder
from scripts.networks.closed_loop import Answer
from scripts.semantics import describe_region, write_sentence
from scripts.semantics.lexicons.breast_ultrasound import make_lexicon
from scripts.semantics.questions import NO_LESION, NONE_OF_KIND, SEG

LEXICON = make_lexicon()
SITE = SimpleNamespace(title="breast ultrasound", lexicon=LEXICON, classes=SimpleNamespace(names=()))


def picture_and_mask():
    rows, columns = np.mgrid[:64, :64]
    mask = ((rows - 20) / 9) ** 2 + ((columns - 40) / 14) ** 2 < 1
    image = 0.4 + 0.2 * np.random.default_rng(0).random((64, 64))
    image[mask] *= 0.3
    return image.astype(np.float32), mask


class Network(torch.nn.Module):
    """Draws the lesion of the picture above, and says what it is told to say."""

    def __init__(self, text, evidence=1.0):
        super().__init__()
        self.no_mask, self.text = torch.nn.Parameter(torch.zeros(1)), text
        self.language = SimpleNamespace(encode_question=lambda question: [1])
        self.base = SimpleNamespace(forward_named=lambda image: {"lesion_logit": torch.tensor([[evidence]])})

    def answer(self, image, questions, longest=200):
        masks = torch.tensor(np.where(picture_and_mask()[1], 5.0, -5.0), dtype=torch.float32)[None]
        return [Answer(self.text, masks.expand(self.text.count(SEG), -1, -1))]


def item_of(name="a.png", status="ok"):
    image = torch.tensor(picture_and_mask()[0])
    item = {"input": name, "frame": 0, "region": -1, "status": status, "reason": "" if status == "ok" else "UNREADABLE"}
    item |= {"image": image.expand(3, -1, -1), "picture": (image[None] * 255).to(torch.uint8)}
    return item | {"source": {"rows": 64, "columns": 64, "crop": [0, 0, 64, 64], "spacing": []}}


def true_terms():
    image, mask = picture_and_mask()
    return describe_region(image, mask, LEXICON)


def threshold(item):
    return {**item, "mask": (item["mask"] > 0.5).float()}


def ask(network, question="Outline the lesion.", **options):
    return Answerer(network, SITE, question, threshold, **options)


def test_words_are_checked_against_the_mask_drawn():
    terms = true_terms()
    told = ask(Network(f"{write_sentence(LEXICON, terms)} {SEG}"))(item_of())
    assert told.text.endswith("[1]") and told.doubts == [] and told.contradicted == [{}]
    wrong = {**terms, "size": "small" if terms["size"] != "small" else "large"}
    told = ask(Network(f"{write_sentence(LEXICON, wrong)} {SEG}"))(item_of())
    assert told.doubts == [f"[1]: said size {wrong['size']}, measured {terms['size']}."]
    told = ask(Network(f"Whatever this is. {SEG}"))(item_of())
    assert told.doubts == ["[1]: its sentence cannot be read, and was not checked."]
    told = ask(Network("in in in in"))(item_of())
    assert told.doubts == ["The answer draws nothing and is none that was taught: the loop is not trained enough."]
    assert ask(Network(NO_LESION))(item_of()).doubts == []


def test_another_organ_or_language_is_no_lesion_of_that_kind():
    told = ask(Network(f"A lesion. {SEG}"), "Outline the lesion in the kidney.")(item_of())
    assert told.text == NONE_OF_KIND and not told.masks
    assert told.doubts == ['The language model was not taught the words "kidney".']
    assert ask(Network(f"A lesion. {SEG}"), "Wo ist die Niere?", known_words=False)(item_of()).masks


def test_a_lesion_of_another_kind_than_was_asked_for_is_left_out():
    terms = true_terms()
    other = "upper left" if terms["quadrant"] != "upper left" else "lower left"
    network = Network(f"A lesion. {SEG}")
    told = ask(network, f"Outline the lesion in the {other}.")(item_of())
    assert told.text == NONE_OF_KIND and not told.masks
    assert told.doubts == [f"A lesion was left out: asked quadrant {other}, measured {terms['quadrant']}."]
    assert ask(network, f"Outline the lesion in the {terms['quadrant']}.")(item_of()).text == "A lesion. [1]"
    assert ask(network, f"Outline the lesion in the {other}.", only_asked=False)(item_of()).masks


def test_the_gate_may_answer_first():
    network = Network(f"A lesion. {SEG}", evidence=-1.0)
    assert ask(network, gate=True)(item_of()).text == NO_LESION
    assert ask(network)(item_of()).text == "A lesion. [1]"


def test_an_answer_without_a_lesion_is_doubted_where_the_gate_finds_one():
    told = ask(Network(NO_LESION), gate=True)(item_of())
    assert told.text == NO_LESION and told.doubts == ["The evidence gate of Rad-VLSM finds a lesion here."]


def test_with_candidates_rad_vlsm_draws_where_the_loop_points(monkeypatch):
    seen = []

    def segment(network, images, response):
        seen.append((images.shape, response > 0))
        return response.flip(-1)

    monkeypatch.setattr("scripts.inference.answering.answerer.segment_response", segment)
    alone = ask(Network(f"A lesion. {SEG}"))(item_of())
    assert not seen
    behind = ask(Network(f"A lesion. {SEG}"), candidates=True)(item_of())
    assert seen[0][0] == (1, 3, 64, 64) and np.array_equal(seen[0][1][0], picture_and_mask()[1])
    np.testing.assert_array_equal(behind.masks[0], alone.masks[0][:, ::-1])
    ask(Network(NO_LESION), candidates=True)(item_of())
    assert len(seen) == 1


def test_an_empty_question_is_refused():
    with pytest.raises(BundleError, match="The question is empty; ask one"):
        ask(Network(""), "  ")


def test_a_folder_gets_a_row_an_image_and_goes_on(tmp_path):
    items = [item_of("a.png"), item_of("b.png", "failed"), item_of("c.png")]
    network = Network(f"A lesion. {SEG} A lesion. {SEG}")
    answer_folder(items, dict, ask(network), tmp_path)
    with (tmp_path / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS and [row["status"] for row in rows] == ["ok", "failed", "ok"]
    assert rows[0]["lesions"] == "2" and rows[1]["reason"] == "UNREADABLE" and rows[1]["mask"] == ""
    mask = np.array(Image.open(tmp_path / rows[0]["mask"]))
    assert mask.shape == (64, 64) and (mask == 1).sum() == picture_and_mask()[1].sum()
    assert Image.open(tmp_path / rows[2]["picture"]).width >= 512


def test_nothing_answered_is_an_error(tmp_path):
    with pytest.raises(BundleError, match="No image could be answered; the reasons are in answers.csv") as refused:
        answer_folder([item_of("b.png", "failed")], dict, ask(Network("")), tmp_path)
    assert refused.value.exit_code == 1
