"""Words as MONAI transforms: what an item shows, in sentences, and what it is asked for."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import Flip, MapTransform, Randomizable, Transform

from scripts.errors import BundleError

from .lexicon import Lexicon
from .measures.lesion import describe_lesion
from .prompts import Prompts, fill_prompt
from .sentences import parse_sentence, write_sentence


class DescribeLesiond(MapTransform):
    """Describe the lesion of an item in words.

    An item may bring a ``description`` of its own. Where it is a sentence of the lexicon, its terms replace the
    measured ones; any other text is taken as it is, and kept as ``own_description``, "" elsewhere.

    Adds ``description`` (a sentence), ``morphology`` (its terms, see `Morphology`; "" where nothing is said) and
    ``measurements`` (numbers by name). Place it after flips, rotations and crops: left becomes right with the image.

    Args:
        lexicon: its words.
        keys: the image (1|3, H, W) in [0, 1] and the mask (1, H, W) of 0 and 1, in this order.
        phrasing: number of the phrasing; `RandPhrased` draws others.
        absent: the ``diagnosis`` of an image without a lesion.

    Raises:
        BundleError: image and mask do not fit, the item's ``diagnosis`` says lesion where its mask is empty, or none
            where it is not, or its own description names a diagnosis.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        keys: KeysCollection = ("image", "label"),
        phrasing: int = 0,
        absent: str = "normal",
    ) -> None:
        super().__init__(keys)
        if len(self.keys) != 2:
            raise BundleError(f"DescribeLesiond takes two keys, the image and its mask, not {list(self.keys)}.")
        self.lexicon, self.phrasing, self.absent = lexicon, phrasing, absent

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the description of one item."""
        item = dict(data)
        image, mask = (torch.as_tensor(item[key]).cpu().numpy() for key in self.keys)
        _require_lesion(item, mask, self.keys[1], self.absent)
        morphology, measurements = describe_lesion(image, mask[0], self.lexicon, _aspect(item))
        said, item["own_description"] = self._read_own(item)
        item["morphology"] = {**morphology, **said}
        own = item["own_description"]
        item["description"] = own or write_sentence(self.lexicon, item["morphology"], self.phrasing)
        item["measurements"] = measurements
        return item


    def _read_own(self, item: Mapping[Hashable, Any]) -> tuple[dict[str, str], str]:
        """The terms that an item's own description states, or the description where it is of other words."""
        own = item.get("description") or ""
        named = self.lexicon.find_forbidden(own)
        if named:
            where = item.get("group", "an item")
            raise BundleError(f'The description of "{where}" names a diagnosis ("{named[0]}"). Describe what is seen.')
        try:
            return {term: value for term, value in parse_sentence(self.lexicon, own).items() if value}, ""
        except BundleError:
            return {}, own


class RandMirrord(Randomizable, MapTransform):
    """Mirrors image and mask at random, and their description with them: left becomes right.

    Args:
        lexicon: knows which terms change sides.
        keys: (C, H, W) arrays.
        prob: chance of a mirror image.
    """

    def __init__(self, lexicon: Lexicon, keys: KeysCollection, prob: float = 0.5) -> None:
        super().__init__(keys)
        self.lexicon, self.prob, self.flip = lexicon, prob, Flip(spatial_axis=1)

    def randomize(self, data: Any = None) -> bool:
        """Whether to mirror."""
        return bool(self.R.rand() < self.prob)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Mirror an item that has a ``morphology``."""
        item = dict(data)
        if self.randomize():
            for key in self.key_iterator(item):
                item[key] = self.flip(item[key])
            item["morphology"] = self.lexicon.mirror(item["morphology"])
            if item.get("own_description"):
                item["own_description"] = _SIDES.sub(_other_side, item["own_description"])
        return item


class RandPhrased(Randomizable, MapTransform):
    """Writes an item's ``morphology`` as a sentence, ``description``, in a phrasing drawn at random; words of the
    item's own stay.

    Args:
        lexicon: its words.
        keys: the morphology, terms by name.
        phrasing: number of the phrasing; None draws one of them at random.
    """

    def __init__(self, lexicon: Lexicon, keys: KeysCollection = "morphology", phrasing: int | None = None) -> None:
        super().__init__(keys)
        self.lexicon, self.phrasing = lexicon, phrasing

    def randomize(self, data: Any = None) -> int:
        """A number to choose the phrasing by."""
        return int(self.R.randint(2**16))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the sentence."""
        item = dict(data)
        for key in self.key_iterator(item):
            phrasing = self.randomize() if self.phrasing is None else self.phrasing
            own = item.get("own_description")
            item["description"] = own or write_sentence(self.lexicon, item[key], phrasing)
        return item


class ClassWordsd(MapTransform):
    """Names the class instead of describing the lesion: what a row of the ablation learns from, and no other run.

    Replaces ``morphology`` by the one term ``class`` and adds ``description``.

    Args:
        class_words: a sentence by diagnosis.
        keys: the diagnosis, one of them.
    """

    def __init__(self, class_words: Mapping[str, str], keys: KeysCollection = "diagnosis") -> None:
        super().__init__(keys)
        self.class_words = class_words

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Name the class of one item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item["morphology"] = {"class": item[key]}
            item["description"] = self.class_words[item[key]]
        return item


class RandPrompt(Randomizable, Transform):
    """Asks an item for its lesion in words drawn at random, or for something else, of which no image shows anything.

    Adds ``prompt`` (the sentence) and ``asked`` (1.0 for the lesion, 0.0 for anything else).

    Args:
        prompts: the sentences.
        words: for the gaps of the sentences, see `other_words`.
        other_prob: chance of asking for something else.
        fixed_prob: chance of the fixed prompt where the lesion is asked for.
        prompt: the fixed prompt, which inference alone knows; None takes that of ``prompts``.
    """

    def __init__(
        self,
        prompts: Prompts,
        words: Sequence[str],
        other_prob: float = 0.25,
        fixed_prob: float = 0.5,
        prompt: str | None = None,
    ) -> None:
        self.prompts, self.words, self.other_prob, self.fixed_prob = prompts, words, other_prob, fixed_prob
        self.prompt = prompts.fixed if prompt is None else prompt

    def randomize(self, data: Any = None) -> tuple[str, bool]:
        """A sentence, and whether it asks for the lesion."""
        lesion = bool(self.R.rand() >= self.other_prob)
        if lesion and self.R.rand() < self.fixed_prob:
            return self.prompt, True
        patterns = self.prompts.lesion if lesion else self.prompts.other
        return fill_prompt(patterns[self.R.randint(len(patterns))], self.words, self.R.randint), lesion

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the question."""
        prompt, lesion = self.randomize()
        return {**data, "prompt": prompt, "asked": float(lesion)}


_SIDES = re.compile(r"\b(left|right)\b", re.IGNORECASE)


def _other_side(side: re.Match[str]) -> str:
    other = {"left": "right", "right": "left"}[side[0].lower()]
    return other.capitalize() if side[0][0].isupper() else other


def _require_lesion(item: Mapping[Hashable, Any], mask: np.ndarray, key: Hashable, absent: str) -> None:
    diagnosis = item.get("diagnosis")
    if diagnosis is None or mask.any() == (diagnosis != absent):
        return
    name = getattr(item[key], "meta", {}).get("filename_or_obj", "") or item.get("group", "an item")
    state = "is not empty" if diagnosis == absent else "is empty"
    raise BundleError(f'The mask "{name}" {state}, but its diagnosis is {diagnosis}. Correct the mask or the list.')


def _aspect(item: Mapping[Hashable, Any]) -> float:
    """Row spacing over column spacing; 1 where unknown."""
    spacing = item.get("source", {}).get("spacing") or (1.0, 1.0)
    return float(spacing[0]) / float(spacing[1])
