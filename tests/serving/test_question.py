"""A question in a request: masks and words of the answer, or one sentence why there is none."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scripts.errors import BundleError
from scripts.serving import AnswerClient, AnswerQuestion

ROWS, COLUMNS = 5, 8


@pytest.fixture
def item(make_finding):
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    mask[0, -2:] = 1
    return {"pred": torch.from_numpy(mask), "finding": make_finding(mask), "image_path": "a.png"}


@pytest.fixture
def asked(monkeypatch):
    """Draws two lesions, whatever is asked."""
    masks = [np.zeros((ROWS, COLUMNS), bool) for _ in range(2)]
    masks[0][1:3, 2:5] = masks[1][4, 0] = True
    told = SimpleNamespace(text="A lesion. [1] A lesion. [2]", masks=masks, doubts=["[1]: said"], diagnoses=["", ""])
    transform = AnswerQuestion("model.pt", None)
    monkeypatch.setattr(transform, "_make_answerer", lambda: lambda question: lambda item: told)
    return transform


def test_a_request_without_a_question_is_answered_as_before(item, site):
    asked = AnswerQuestion("gone.pt", None)
    before, after = AnswerClient(site)(item), AnswerClient(site)(asked(item))
    assert torch.equal(before["pred"], after["pred"]) and before["result"].keys() == after["result"].keys()


def test_the_answer_brings_its_masks_its_words_and_their_contradictions(item, site, asked):
    answer = AnswerClient(site)(asked({**item, "question": "Outline all lesions."}))
    assert answer["pred"].shape == (COLUMNS, ROWS) and int(answer["pred"].sum()) == 7
    told = json.loads(json.dumps(answer["result"], allow_nan=False))
    assert told["answer_boxes"] == [[1, 2, 3, 5], [4, 0, 5, 1]]
    assert (told["question"], told["answer"]) == ("Outline all lesions.", "A lesion. [1] A lesion. [2]")
    assert told["contradictions"] == ["[1]: said"] and told["lesion_found"] is True


def test_what_cannot_be_answered_is_one_sentence(item, monkeypatch):
    with pytest.raises(BundleError, match="A question is a text, not int"):
        AnswerQuestion("model.pt", None)({**item, "question": 3})
    monkeypatch.setitem(sys.modules, "transformers", None)
    bundle = AnswerQuestion.__init__.__globals__["BUNDLE"]
    with pytest.raises(BundleError, match="needs the package transformers: install it with"):
        AnswerQuestion(bundle / "models" / "model.pt", None)({**item, "question": "Where is the lesion?"})


def test_a_loop_that_is_not_there_is_named(item):
    pytest.importorskip("transformers", reason="needs requirements-language.txt")
    bundle = AnswerQuestion.__init__.__globals__["BUNDLE"]
    asked = AnswerQuestion(bundle / "models" / "model.pt", None, {"closed_loop": "gone.pt"})
    with pytest.raises(BundleError, match=r'The closed loop "gone.pt" does not exist; train one'):
        asked({**item, "question": "Where is the lesion?"})
