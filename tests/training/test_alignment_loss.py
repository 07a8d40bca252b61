"""The objective of stage 1: each term falls where words and image agree, and rises where they do not."""

import pytest
import torch
from torch.nn.functional import normalize, one_hot

from scripts.training import AlignmentLoss

LEXICON = {"shape": ("oval", "irregular"), "size": ("small", "large")}


def perfect(batch=3, dim=8, size=32):
    """Three images whose tokens inside the lesion are their own text, each of another morphology."""
    mask = torch.zeros(batch, 1, size, size)
    mask[:, :, 8:24, 8:24] = 1
    inside = mask[:, :, ::8, ::8]
    text = one_hot(torch.arange(batch), dim).float()
    terms = normalize(torch.stack([text[0], text[1] + text[2], text[0] + text[1], text[2]]), dim=1)
    sure = 20.0 * (2 * inside - 1)
    pred = {
        "visual": text[:, :, None, None] * inside + one_hot(torch.tensor(7), dim)[None, :, None, None] * (1 - inside),
        "text": text,
        "terms": terms,
        "similarity": text @ text.t(),
        "temperature": torch.tensor(0.05),
        "own_logits": sure,
        "prompt_logits": sure.clone(),
        "own_match": torch.full((batch, 1), 20.0),
        "prompt_match": torch.full((batch, 1), 20.0),
        "other_match": torch.full((batch, 1), -20.0),
        "other": torch.tensor([1, 2, 0]),
    }
    morphology = torch.tensor([[0, 0], [1, 0], [1, 1]])
    return pred, {"mask": mask, "asked": torch.ones(batch), "morphology": morphology}


def terms_of(pred, target):
    loss = AlignmentLoss(LEXICON)
    total = loss(pred, target)
    assert torch.isfinite(total)
    return {name: value.item() for name, value in loss.terms.items()}


def test_agreement_costs_nothing():
    assert all(value < 0.05 for value in terms_of(*perfect()).values())


@pytest.mark.parametrize(
    ("change", "dearer"),
    [
        (lambda pred, target: pred.update(similarity=pred["similarity"].roll(1, 0)), {"contrastive"}),
        (lambda pred, target: pred.update(text=pred["text"].roll(1, 0)), {"region"}),
        (lambda pred, target: pred.update(terms=pred["terms"].roll(1, 0)), {"auxiliary_text"}),
        (lambda pred, target: pred.update(other_match=-pred["other_match"]), {"matching"}),
        (lambda pred, target: pred.update(own_logits=-pred["own_logits"]), {"region"}),
        (lambda pred, target: target.update(asked=torch.zeros(3)), {"localization", "matching"}),
    ],
    ids=["query", "region", "term", "other's text", "outside", "asked for something else"],
)
def test_each_disagreement_costs_its_own_term(change, dearer):
    pred, target = perfect()
    before = terms_of(pred, target)
    change(pred, target)
    after = terms_of(pred, target)
    assert {name for name in after if after[name] > before[name] + 0.2} == dearer


def test_the_same_morphology_is_no_negative():
    pred, target = perfect()
    target["morphology"] = torch.tensor([[0, 0], [0, 0], [1, 1]])
    pred["similarity"] = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    pred["other_match"] = torch.tensor([[20.0], [-20.0], [-20.0]])  # the first was given the second's text: its own
    cost = terms_of(pred, target)
    assert cost["contrastive"] < 0.8 and cost["matching"] < 0.05


def test_images_without_a_lesion_have_no_region_and_unknown_weights_are_named():
    pred, target = perfect()
    target["mask"] = torch.zeros_like(target["mask"])
    assert terms_of(pred, target)["auxiliary_text"] == 0
    with pytest.raises(ValueError, match="contrast"):
        AlignmentLoss(LEXICON, {"contrast": 1.0})
