"""Copies, losses and the schedule of the closed loop's training."""

import pytest
import torch

from scripts.errors import BundleError
from scripts.training.language import ChangeCopyd, LanguageLoss, linear_decay, with_copies
from scripts.training.language.loss import WEIGHTS, morphological_gradient

ITEMS = [
    {"image": f"{name}.png", "label": [], "diagnosis": diagnosis}
    for name, diagnosis in (("a", "benign"), ("b", "malignant"), ("c", "normal"))
]
PLACES = {"a.png": (12, 16), "b.png": (44, 40), "c.png": None}


def load(item):
    image, label = torch.full((3, 64, 64), 0.5), torch.zeros(1, 64, 64)
    if PLACES[item["image"]]:
        row, column = PLACES[item["image"]]
        label[0, row - 6 : row + 6, column - 8 : column + 8] = 1
        image[:, label[0] > 0] = 0.1
    return {"image": image, "label": label}


def test_copies_are_mirrored_or_have_a_second_lesion():
    copies = with_copies(ITEMS, "normal", mirrored=1, pasted=1, seed=0)
    assert len(copies) == 3 + 3 + 2
    assert all(copy["donor"]["image"] != copy["image"] for copy in copies[6:])
    change = ChangeCopyd(load)
    plain, mirrored, pasted = (change(dict(copy)) for copy in (copies[0], copies[3], copies[6]))
    assert torch.equal(plain["label"].flip(-1), mirrored["label"])
    assert torch.allclose(plain["image"].flip(-1), mirrored["image"])
    assert int(pasted["label"].sum()) == 2 * int(plain["label"].sum())
    again = ChangeCopyd(load)(dict(copies[6]))
    assert torch.equal(again["image"], pasted["image"]), "a copy is the same whenever it is made"


def test_the_gradient_is_the_border():
    mask = torch.zeros(1, 1, 9, 9)
    mask[..., 3:6, 3:6] = 1
    gradient = morphological_gradient(mask)
    assert gradient[0, 0, 4, 4] == 0 and gradient[0, 0, 0, 0] == 0
    assert gradient[0, 0, 3, 3] == 1 and gradient[0, 0, 2, 4] == 1


def outputs(logits, drawn=1):
    tokens = torch.tensor([1, 2])
    return {
        "token_logits": torch.nn.functional.one_hot(tokens, 4).float() * 20,
        "tokens": tokens,
        "first": torch.tensor([True, False]),
        "mask_logits": logits[:drawn],
        "drawn": torch.tensor([[bool(drawn)]]) if drawn else torch.zeros(1, 0, dtype=torch.bool),
    }


def test_a_perfect_answer_costs_nothing_and_each_term_has_its_weight():
    target = torch.zeros(1, 4, 16, 16)
    target[0, 0, 4:12, 4:12] = 1
    perfect = (target[:, 0] * 2 - 1) * 20
    loss = LanguageLoss()
    assert float(loss(outputs(perfect), {"targets": target})) < 0.01
    total = float(loss(outputs(-perfect), {"targets": target}))
    assert total == pytest.approx(sum(WEIGHTS[name] * float(value) for name, value in loss.terms.items()))
    assert WEIGHTS == {"token": 1.0, "presence": 0.0, "bce": 0.5, "dice": 2.0, "boundary": 0.2}


def test_an_answer_without_masks_has_words_alone():
    loss = LanguageLoss()
    loss(outputs(torch.zeros(1, 16, 16), drawn=0), {"targets": torch.zeros(1, 4, 16, 16)})
    assert set(loss.terms) == {"token", "presence"}
    with pytest.raises(BundleError, match='There is no loss "tokens"; choose among: token'):
        LanguageLoss({"tokens": 1})


def test_the_rate_rises_and_falls_to_nothing():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
    schedule = linear_decay(optimizer, 10, 100)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0) and rates[-1] < 0.02
