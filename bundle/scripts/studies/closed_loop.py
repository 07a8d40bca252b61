"""What a closed loop is worth: masks, the right one of two lesions, and words that are true of what was drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scripts.networks.closed_loop import Answer, ClosedLoop
from scripts.semantics import Lexicon, describe_region, separate_regions
from scripts.semantics.lexicon import COUNT
from scripts.semantics.questions import (
    ASK_ALL,
    NO_LESION,
    RELATIONS,
    choose_related,
    matching,
    read_answer,
    refer_to,
)

#: By how much the larger of two lesions is larger, or how far apart they lie in pixels, to be asked about.
CLEARLY = 1.3, 12.0


def ask(network: ClosedLoop, items: Sequence[Mapping[str, Any]], questions: Sequence[str], batch: int) -> list[Answer]:
    """Answers to one question an item, in batches.

    Args:
        network: in evaluation mode.
        items: with ``features`` of :class:`scripts.training.language.EncodeImaged`.
        questions: one for each.
        batch: items at a time.
    """
    answers: list[Answer] = []
    for start in range(0, len(items), batch):
        chosen = [item["features"] for item in items[start : start + batch]]
        features = {name: torch.stack([each[name] for each in chosen]) for name in chosen[0]}
        answers += network.answer(features, questions[start : start + batch])
    return answers


@torch.no_grad()
def lesion_evidence(network: ClosedLoop, items: Sequence[Mapping[str, Any]], batch: int) -> list[float]:
    """Log-odds that the answer to :data:`scripts.semantics.questions.ASK_ALL` does not begin as *There is no lesion.*

    Args:
        network: in evaluation mode.
        items: with ``features``.
        batch: items at a time.
    """
    told: list[float] = []
    for start in range(0, len(items), batch):
        chosen = [item["features"] for item in items[start : start + batch]]
        features = {name: torch.stack([each[name] for each in chosen]) for name in chosen[0]}
        outputs = network(features, [ASK_ALL[0]] * len(chosen), [NO_LESION] * len(chosen))
        first, token = outputs["token_logits"][outputs["first"]], outputs["tokens"][outputs["first"]]
        absent = torch.log_softmax(first.double(), dim=-1).gather(1, token[:, None])[:, 0]
        told += (torch.log(-torch.expm1(absent)) - absent).tolist()
    return told


def measure_masks(
    items: Sequence[Mapping[str, Any]], masks: Sequence[NDArray], evidence: Sequence[float]
) -> list[dict[str, Any]]:
    """Dice of each mask with all lesions of its image; of an image without one whether anything was drawn.

    Args:
        items: with ``label`` (1, H, W), above 0 where lesions are.
        masks: bool (H, W).
        evidence: of a lesion, for each, higher where one is likelier.
    """
    rows = []
    for item, mask, sure in zip(items, masks, evidence, strict=True):
        truth = np.asarray(item["label"])[0] > 0
        total = float(truth.sum() + mask.sum())
        rows.append(
            {
                "image": item["image_name"],
                "group": item["group"],
                "lesion": bool(truth.any()),
                "irregular": item["irregular"],
                "drawn": bool(mask.any()),
                "evidence": sure,
                "dice": 2 * float((truth & mask).sum()) / total if truth.any() else float("nan"),
            }
        )
    return rows


def measure_words(
    items: Sequence[Mapping[str, Any]], answers: Sequence[Answer], lexicon: Lexicon
) -> dict[str, tuple[int, int]]:
    """By term, how often it was said, and how often it was true of the mask that its ``<SEG>`` drew.

    Args:
        items: with ``picture``.
        answers: to :data:`scripts.semantics.questions.ASK_ALL`.
        lexicon: what is measured.
    """
    said, true = Counter(), Counter()
    for item, answer in zip(items, answers, strict=True):
        image = np.asarray(item["picture"])[0] / 255.0
        for terms, mask in zip(read_answer(lexicon, answer.text), answer.masks.numpy() > 0, strict=False):
            if not mask.any():
                continue
            measured = describe_region(image, separate_regions(mask)[0], lexicon)
            for term in set(terms) - {COUNT}:
                said[term] += 1
                true[term] += terms[term] == measured[term]
    return {term: (said[term], true[term]) for term in lexicon.terms if said[term]}


def referring_questions(
    items: Iterable[Mapping[str, Any]], lexicon: Lexicon, seed: int = 0
) -> list[tuple[Mapping[str, Any], str, str, int]]:
    """Questions for one of two lesions, by comparison and by what tells it from the other.

    The questions are made from the drawn masks: they say which lesion is meant, and no other table has them.

    Args:
        items: those with two ``regions`` are taken.
        lexicon: the words.
        seed: which of the lesions and relations are asked for.

    Returns:
        Item, kind of question, question, and number of the lesion that is meant, from 0.
    """
    random, asked = np.random.RandomState(seed), []
    for item in items:
        regions, numbered = item["regions"], np.asarray(item["label"])[0]
        if len(regions) != 2:
            continue
        masks = [numbered == number for number in (1, 2)]
        relations = [name for name in RELATIONS if _clear(name, masks)]
        if relations:
            relation = relations[random.randint(len(relations))]
            question = f"Outline the {relation} of the two lesions."
            asked.append((item, "by comparison", question, choose_related(masks, relation)))
        meant = int(random.randint(2))
        telling = [
            term
            for term in ("size", "shape", "margin", "quadrant", "depth", "echo")
            if term in lexicon.terms and matching(regions, {term: regions[meant][term]}) == [meant]
        ]
        if telling:
            term = telling[random.randint(len(telling))]
            named = refer_to(lexicon, {term: regions[meant][term]}, short=True)
            asked.append((item, "by description", f"Outline the {named}.", meant))
    return asked


def _clear(relation: str, masks: Sequence[NDArray]) -> bool:
    first, second = (RELATIONS[relation](mask) for mask in masks)
    if relation in ("smaller", "larger"):
        return max(first / second, second / first) >= CLEARLY[0]
    return abs(first - second) >= CLEARLY[1]


def measure_referring(
    asked: Sequence[tuple[Mapping[str, Any], str, str, int]], masks: Sequence[NDArray]
) -> list[dict[str, Any]]:
    """Whether the right lesion was drawn, or the other one, at an IoU of at least 0.5.

    Args:
        asked: of :func:`referring_questions`.
        masks: all that was drawn for each, bool (H, W).
    """
    rows = []
    for (item, kind, question, meant), mask in zip(asked, masks, strict=True):
        numbered = np.asarray(item["label"])[0]
        right, other = (_iou(mask, numbered == 1 + number) >= 0.5 for number in (meant, 1 - meant))
        pasted = bool(item["pasted"])
        rows.append({"question": question, "kind": kind, "pasted": pasted, "right": right, "other": other})
    return rows


def _iou(one: NDArray, other: NDArray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))
