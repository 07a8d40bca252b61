"""What pictures say of a finding, and in which colour."""

from __future__ import annotations

from scripts.findings.finding import Finding, Lesion
from scripts.sites import Site
from scripts.writing.drawing import INDETERMINATE_COLOR, RGB


def color_of(finding: Finding | Lesion, site: Site) -> RGB:
    """The colour of a finding or of one lesion: of its class, unless it is indeterminate."""
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


def looks(finding: Finding) -> list[str]:
    """What the lesion that the diagnosis is of looks like, and how large it is; nothing where neither is known."""
    if not finding.found:
        return []
    lesion = finding.most_suspicious
    said = [f"{lesion.caption} (measured from the predicted outline)"] if lesion.caption else []
    if lesion.size.long_axis_mm is not None:
        said.append(f"{lesion.size.long_axis_mm:.1f} x {lesion.size.short_axis_mm:.1f} mm")
    if len(finding.lesions) > 1:
        said.append(f"the most suspicious of {len(finding.lesions)} lesions")
    return said


def sentence_case(words: str) -> str:
    """The first letter large, the others as they are."""
    return words[:1].upper() + words[1:]
