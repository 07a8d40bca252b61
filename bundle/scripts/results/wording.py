"""What pictures say of a finding, and in which colour."""

from __future__ import annotations

from scripts.findings.finding import Finding, Lesion
from scripts.findings.tracks import Reading
from scripts.sites import LESION, Site
from scripts.writing.drawing import INDETERMINATE_COLOR, RGB


def color_of(finding: Finding | Lesion | Reading, site: Site) -> RGB:
    """The colour of a finding or of one lesion: of its class, or of any lesion, unless it is indeterminate."""
    if finding.indeterminate:
        return INDETERMINATE_COLOR
    red, green, blue = site.colors.get(finding.diagnosis or LESION, site.colors[site.classes.none])
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


def extent(finding: Finding) -> str:
    """How many lesions there are, and the axes of the one that the diagnosis is of; "" where neither is to be said."""
    if not finding.found:
        return ""
    size = finding.most_suspicious.size
    axes = "" if size.long_axis_mm is None else f"{size.long_axis_mm:.1f} x {size.short_axis_mm:.1f} mm"
    rank = "largest" if finding.probability is None else "most suspicious"
    several = f"the {rank} of {len(finding.lesions)} lesions" if len(finding.lesions) > 1 else ""
    return ", ".join(filter(None, (axes, several)))


def looks(finding: Finding) -> str:
    """What that lesion looks like, and where this is from; "" where nothing is said of it."""
    caption = finding.most_suspicious.caption if finding.found else ""
    return f"{caption}; measured from the predicted outline" if caption else ""


def sentence_case(words: str) -> str:
    """The first letter large, the others as they are."""
    return words[:1].upper() + words[1:]
