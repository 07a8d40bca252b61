"""One image and a question: the answer, its masks, and which of its words the masks contradict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from torch import Tensor, nn

from scripts.errors import BundleError
from scripts.findings.answers import read_answer as read_diagnosis
from scripts.networks.closed_loop import Answer
from scripts.networks.given_response import segment_response
from scripts.semantics import describe_region, separate_regions
from scripts.semantics.lexicon import COUNT
from scripts.semantics.questions import (
    NO_LESION,
    NONE_OF_KIND,
    SEG,
    check_words,
    contradictions,
    free_terms,
    unknown_words,
)
from scripts.sites import Site


@dataclass
class Told:
    """What is told of one image.

    Attributes:
        text: the answer, lesions numbered in brackets.
        masks: of each lesion, bool (rows, columns) of the file.
        doubts: words of the answer that the measurement of a mask contradicts, and other notes, as sentences.
        contradicted: by lesion and term, what was said and what was measured.
        diagnoses: of each lesion, with its probability; empty where none was asked for.
    """

    text: str
    masks: list[np.ndarray] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    contradicted: list[dict[str, tuple[str, str]]] = field(default_factory=list)
    diagnoses: list[str] = field(default_factory=list)


class Answerer:
    """Puts one question to images.

    Args:
        network: a :class:`scripts.networks.ClosedLoop`, in evaluation mode.
        site: its words and classes.
        question: a text.
        to_native: brings ``mask`` (T, S, S) of an item, probabilities, to the file's grid, 0 or 1.
        known_words: a question with words that training never had is about something else.
        gate: Rad-VLSM must find a lesion, too.
        diagnose: Rad-VLSM diagnoses each lesion drawn; no text enters its diagnosis.
        longest: tokens of an answer.
        only_asked: a lesion that is of another kind than the question asks for, by the measurement of its mask, is left
            out, and it is noted why.
        candidates: each mask of the loop is the response map from which Rad-VLSM makes candidates; its masks in them,
            fused by their reliability, are the answer's.

    Raises:
        BundleError: the question is empty, or longer than the language model reads.
    """

    def __init__(
        self,
        network: nn.Module,
        site: Site,
        question: str,
        to_native: Callable[[dict[str, Any]], Mapping[str, Any]],
        known_words: bool = True,
        gate: bool = False,
        diagnose: bool = True,
        longest: int = 200,
        only_asked: bool = True,
        candidates: bool = False,
    ) -> None:
        if not question.strip():
            raise BundleError('The question is empty; ask one, such as --question "Outline the lesion.".')
        network.language.encode_question(question)
        self.network, self.site, self.question, self.to_native = network, site, question, to_native
        self.gate, self.diagnose, self.longest = gate, diagnose and bool(site.classes.names), longest
        self.candidates = candidates
        asked = free_terms(site.lexicon, question) if only_asked else {}
        self.asked = {term: value for term, value in asked.items() if term != COUNT}
        self.unknown = unknown_words(site.lexicon, question, site.title) if known_words else []

    def __call__(self, item: Mapping[str, Any]) -> Told:
        """Answer for one loaded image.

        Args:
            item: ``image`` (3, S, S) and ``source``, as the preprocessing of inference leaves them.
        """
        if self.unknown:
            named = ", ".join(f'"{word}"' for word in self.unknown[:5])
            return Told(NONE_OF_KIND, doubts=[f"The language model was not taught the words {named}."])
        image = torch.as_tensor(item["image"]).as_subclass(Tensor)
        batch = image[None].to(self.network.no_mask.device)
        if self.gate and float(self.network.base.forward_named(batch)["lesion_logit"]) <= 0:
            return Told(NO_LESION, doubts=["The evidence gate of Rad-VLSM found no lesion; the loop was not asked."])
        answer = self.network.answer(batch, [self.question], self.longest)[0]
        if self.candidates and len(answer.masks):
            images = batch.expand(len(answer.masks), -1, -1, -1)
            masks = segment_response(self.network.base, images, answer.masks.to(batch.device))
            answer = Answer(answer.text, masks.cpu())
        told = self._told(item, image, answer)
        if self.gate and answer.text == NO_LESION:
            told.doubts.append("The evidence gate of Rad-VLSM finds a lesion here.")
        return told

    def _told(self, item: Mapping[str, Any], image: Tensor, answer: Answer) -> Told:
        picture = image.mean(dim=0).cpu().numpy()
        measured = [self._measure(picture, mask) for mask in answer.masks.numpy() > 0]
        answer, measured, left_out = self._only_asked(answer, measured)
        drawn = answer.masks.numpy() > 0
        checked = check_words(self.site.lexicon, answer.text, measured)
        told = Told(_numbered(answer.text), doubts=left_out, contradicted=[found or {} for found in checked])
        if not len(drawn) and answer.text not in (NO_LESION, NONE_OF_KIND):
            told.doubts.append("The answer draws nothing and is none that was taught: the loop is not trained enough.")
        for number, (mask, found) in enumerate(zip(drawn, checked, strict=True), start=1):
            if not mask.any():
                told.doubts.append(f"[{number}]: nothing was drawn.")
            elif found is None:
                told.doubts.append(f"[{number}]: its sentence cannot be read, and was not checked.")
            for term, (said, true) in (found or {}).items():
                told.doubts.append(f"[{number}]: said {term} {said}, measured {true}.")
        if len(drawn):
            told.masks = self._native(item, answer.masks)
        if self.diagnose and len(drawn):
            told.diagnoses = self._diagnoses(image, answer.masks)
        return told

    def _measure(self, picture: np.ndarray, mask: np.ndarray) -> dict[str, str] | None:
        return describe_region(picture, separate_regions(mask)[0], self.site.lexicon) if mask.any() else None

    def _only_asked(
        self, answer: Answer, measured: list[dict[str, str] | None]
    ) -> tuple[Answer, list[dict[str, str] | None], list[str]]:
        """The answer, and its measurements, without the lesions of another kind; why these are left out."""
        others = [contradictions(self.asked, terms) if terms else {} for terms in measured]
        if not any(others):
            return answer, measured, []
        kept = [number for number, other in enumerate(others) if not other]
        sentences = answer.text.split(SEG)
        text = " ".join(f"{sentences[number].strip()} {SEG}" for number in kept) or NONE_OF_KIND
        whys = [
            "; ".join(f"asked {term} {said}, measured {true}" for term, (said, true) in other.items())
            for other in others
            if other
        ]
        notes = [f"A lesion was left out: {why}." for why in whys]
        return Answer(text, answer.masks[kept]), [measured[number] for number in kept], notes

    def _native(self, item: Mapping[str, Any], logits: Tensor) -> list[np.ndarray]:
        given = {**item, "mask": MetaTensor(torch.sigmoid(logits.float()))}
        return [np.asarray(mask) > 0 for mask in torch.as_tensor(self.to_native(given)["mask"])]

    def _diagnoses(self, image: Tensor, logits: Tensor) -> list[str]:
        inside = torch.sigmoid(logits)[:, None]
        seen = [number for number in range(len(inside)) if bool((inside[number] > 0.5).any())]
        told = [""] * len(inside)
        if seen:
            outputs = self.network.base.diagnose(image, inside[seen])
            outputs["lesion_logit"] = torch.ones(len(seen), 1)
            for place, number in enumerate(seen):
                read = read_diagnosis({name: values[place] for name, values in outputs.items()}, self.site.classes)
                told[number] = f"{read.diagnosis} {read.probability:.3f}"
        return told


def _numbered(text: str) -> str:
    """An answer with ``[1]``, ``[2]`` ... in the place of its ``<SEG>``."""
    first, *rest = text.split(SEG)
    return first + "".join(f"[{number}]{part}" for number, part in enumerate(rest, start=1))
