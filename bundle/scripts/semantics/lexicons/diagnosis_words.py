"""Stems of the words of diagnosis that no description of any site may hold."""

from __future__ import annotations

#: In any case or ending; a site adds those of its own organ.
DIAGNOSIS_STEMS: tuple[str, ...] = tuple(
    (
        "benign malign cancer carcino tumor tumour neoplas sarcoma lymphom adenom metasta invasi situ "
        "premalig precancer suspicio suspect worrisome concerning probabl likely category diagnos patholog histolog "
        "biops normal abnormal healthy disease finding risk hyperplas oncolog"
    ).split()
)
