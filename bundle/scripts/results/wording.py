"""What pictures say of a finding, and in which colour."""

from __future__ import annotations

from scripts.findings.finding import Finding
from scripts.findings.tracks import Reading
from scripts.sites import Site
from scripts.writing.drawing import INDETERMINATE_COLOR, RGB


def color_of(finding: Finding | Reading, site: Site) -> RGB:
    """The colour of a finding: of its class, unless it is indeterminate."""
    if finding.indeterminate:
        return INDETERMINATE_COLOR
    red, green, blue = site.colors.get(finding.diagnosis, site.colors[site.classes.none])
    return red, green, blue


def heading(finding: Finding) -> str:
    """What was found, and its flags."""
    said = (sentence_case(finding.diagnosis) or "Lesion found") if finding.found else "No lesion found"
    return ", ".join((said, *finding.flags))


def numbers(finding: Finding, site: Site) -> list[str]:
    """What was computed of a lesion, such as the probability and "mask reliability 0.82"."""
    if not finding.found:
        return ["no mask, no diagnosis"]
    named = site.classes.probability.replace("_", " ")
    probability = [] if finding.probability is None else [f"{named} {finding.probability:.2f}"]
    return [*probability, f"mask reliability {finding.mask_reliability:.2f}"]


def sentence_case(words: str) -> str:
    """The first letter large, the others as they are."""
    return words[:1].upper() + words[1:]
