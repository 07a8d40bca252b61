"""Public data sets in the layouts of their authors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .busbra import busbra_sections
from .busi import BUSI_CLASSES, Sections, busi_sections
from .busuclm import BUSUCLM_TABLE, busuclm_sections
from .ddti import ddti_sections, is_ddti
from .isic import is_isic, isic_sections
from .kvasir import is_kvasir, kvasir_sections
from .ph2 import PH2_TABLE, is_ph2, ph2_sections
from .tn3k import is_tn3k, tn3k_sections


class Layout(NamedTuple):
    """A public data set: its name, how its folder is told, its sections, and the table that lists them, if one does."""

    name: str
    is_here: Callable[[Path], bool]
    sections: Callable[[Path], Sections]
    table: str = ""


#: In the order in which a folder is compared with them.
LAYOUTS: tuple[Layout, ...] = (
    Layout("BUS-BRA", lambda folder: (folder / "bus_data.csv").is_file(), busbra_sections, "bus_data.csv"),
    Layout("BUS-UCLM", lambda folder: (folder / BUSUCLM_TABLE).is_file(), busuclm_sections, BUSUCLM_TABLE),
    Layout("BUSI", lambda folder: any((folder / name).is_dir() for name in BUSI_CLASSES), busi_sections),
    Layout("Kvasir-SEG", is_kvasir, kvasir_sections),
    Layout("ISIC", is_isic, isic_sections),
    Layout("PH2", is_ph2, ph2_sections, PH2_TABLE),
    Layout("DDTI", is_ddti, ddti_sections),
    Layout("TN3K", is_tn3k, tn3k_sections),
)
