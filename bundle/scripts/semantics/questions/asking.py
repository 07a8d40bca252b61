"""Questions drawn for an image with described lesions, as a MONAI transform, with their true answers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import Randomizable, Transform

from scripts.errors import BundleError
from scripts.semantics.lexicon import COUNT, Lexicon
from scripts.semantics.prompts import Prompts, fill_prompt
from scripts.semantics.sentences import write_term

from .answers import NONE_OF_KIND, write_answer
from .referring import NOUNS, PHRASE, RELATIONS, choose_related, matching, refer_to

#: Ways to ask for every lesion; the first is the one that is measured.
ASK_ALL = (
    "Outline every lesion and describe it.",
    "Outline the lesion.",
    "Outline all lesions.",
    "Where is the lesion?",
    "Segment the mass and describe it.",
    "Is there a lesion? Outline it.",
    "Show all masses and describe them.",
)
#: Ways to ask for one kind; ``{}`` takes what is asked for.
ASK_FOR = (
    "Outline the {} and describe it.",
    "Outline the {}.",
    "Where is the {}?",
    "Is there a {}?",
    "Segment the {} and describe it.",
)
#: Ways to ask for one of two.
ASK_RELATED = (
    "Outline the {} of the two lesions.",
    "Outline the {} one and describe it.",
    "Segment the {} of the two.",
    "Where is the {} lesion?",
)
#: All lesions; by their terms; by comparison; something else.
KINDS = ("all", "terms", "relation", "other")


class RandQuestiond(Randomizable, Transform):
    """Asks an item something and answers it from its measured ``regions``.

    Leaves ``question``, ``answer`` and ``targets``, the masks of the lesions meant in the answer's order, uint8
    (most, H, W), those beyond them empty. A mask goes into questions of training by the terms asked for, and into
    answers; the question for all lesions, which is measured, is always the same.

    Args:
        lexicon: the words.
        prompts: sentences about anything else.
        words: for their gaps, see `other_words`.
        weights: how often each of ``KINDS`` is asked.
        described: answers describe the lesions, or only name them.
        phrasing: number of the answers' phrasing.
        most: lesions of an answer.
        question: always this one, about all lesions; None draws questions.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        prompts: Prompts,
        words: Sequence[str] = (),
        weights: Sequence[float] = (0.45, 0.3, 0.2, 0.05),
        described: bool = True,
        phrasing: int = 0,
        most: int = 4,
        question: str | None = None,
    ) -> None:
        if len(weights) != len(KINDS) or not sum(weights) > 0:
            raise BundleError(f"Questions are of {len(KINDS)} kinds; give a weight for each of {', '.join(KINDS)}.")
        self.lexicon, self.prompts, self.words = lexicon, prompts, list(words)
        self.weights = np.asarray(weights, float) / sum(weights)
        self.described, self.phrasing, self.most, self.question = described, phrasing, most, question
        self.terms = [term for term in lexicon.lesion_terms if term != COUNT and self._can_refer(term)]

    def randomize(self, data: Any = None) -> str:
        """One of ``KINDS``."""
        return KINDS[int(self.R.choice(len(KINDS), p=self.weights))]

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Ask one item."""
        item = dict(data)
        regions, numbered = item["regions"], np.asarray(item["label"])[0]
        masks = [numbered == number for number in range(1, len(regions) + 1)]
        kind = "all" if self.question else self.randomize()
        if kind == "relation" and len(regions) != 2:
            kind = "terms"
        question, meant = getattr(self, f"_ask_{kind}")(regions, masks)
        meant = meant[: self.most]
        told = [regions[number] for number in meant]
        item["question"] = question
        item["answer"] = (
            NONE_OF_KIND
            if kind == "other"
            else write_answer(self.lexicon, told, bool(regions), self.described, self.phrasing)
        )
        targets = np.zeros((self.most, *numbered.shape), np.uint8)
        for place, number in enumerate(meant):
            targets[place] = masks[number]
        item["targets"] = torch.from_numpy(targets)
        return item

    def _ask_all(self, regions: Sequence[Mapping[str, str]], masks: Sequence[Any]) -> tuple[str, list[int]]:
        # Half of the time in the words that are measured.
        first = self.question or (ASK_ALL[0] if self.R.rand() < 0.5 else self._one_of(ASK_ALL))
        return first, list(range(len(regions)))

    def _ask_terms(self, regions: Sequence[Mapping[str, str]], masks: Sequence[Any]) -> tuple[str, list[int]]:
        count = 1 + int(self.R.rand() < 0.6)
        names = [self.terms[i] for i in sorted(self.R.permutation(len(self.terms))[:count])]
        if regions:
            region = regions[self.R.randint(len(regions))]
            asked = {term: region[term] for term in names}
        else:
            asked = {term: self._one_of(self.lexicon.terms[term]) for term in names}
        if self.R.rand() < 0.3:  # perhaps of a kind that is not there
            changed = names[self.R.randint(len(names))]
            asked[changed] = self._one_of(self.lexicon.terms[changed])
        phrase = refer_to(self.lexicon, asked, self._one_of(NOUNS), short=bool(self.R.rand() < 0.5))
        pattern = self._one_of(ASK_FOR)
        article = "an" if phrase[0] in "aeiou" else "a"
        return pattern.format(phrase).replace("a " + phrase, f"{article} {phrase}"), matching(regions, asked)

    def _ask_relation(self, regions: Sequence[Mapping[str, str]], masks: Sequence[Any]) -> tuple[str, list[int]]:
        relation = self._one_of(list(RELATIONS))
        return self._one_of(ASK_RELATED).format(relation), [choose_related(masks, relation)]

    def _ask_other(self, regions: Sequence[Mapping[str, str]], masks: Sequence[Any]) -> tuple[str, list[int]]:
        words = self.words or ["harbour", "kidney", "marble"]
        return fill_prompt(self._one_of(self.prompts.other), words, self.R.randint) or "?", []

    def _one_of(self, choices: Sequence[str]) -> str:
        return choices[self.R.randint(len(choices))]

    def _can_refer(self, term: str) -> bool:
        """Whether the lexicon speaks of it as "a ... lesion ..."."""
        return PHRASE.fullmatch(write_term(self.lexicon, term, self.lexicon.terms[term][0])) is not None
