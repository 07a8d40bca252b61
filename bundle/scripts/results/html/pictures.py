"""Pictures for a page without names: numbered, without the caption, free of any header."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from scripts.results.overlay import without_caption
from scripts.writing.files import write_whole

_LARGEST = 800


def copy_picture(overlay: Path, target: Path) -> None:
    """Write the picture and contour of an overlay as JPEG, at most 800 pixels wide or high.

    Args:
        overlay: PNG of :func:`scripts.results.draw_overlay`.
        target: of the JPEG.

    Raises:
        OSError: the overlay cannot be read, or the target cannot be written.
    """
    with Image.open(overlay) as image:
        picture = without_caption(image.convert("RGB"))
    picture.thumbnail((_LARGEST, _LARGEST))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    write_whole(target, buffer.getvalue())
