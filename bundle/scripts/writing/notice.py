"""What every result says."""

from __future__ import annotations

NOTE = "Research use only, not for diagnosis"
