"""Files that an operating system or a file server leaves beside a user's own."""

from __future__ import annotations

from pathlib import PurePath

_FILES = {".ds_store", ".localized", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_FOLDERS = {"@eadir", "__macosx", "#recycle", "$recycle.bin", ".trashes", ".spotlight-v100", ".fseventsd"}
#: How macOS names its half of a file on a disk that it does not own.
_APPLE_DOUBLE_NAMES = "._"


def is_companion(name: str | PurePath) -> bool:
    """Whether a file belongs to a system and not to the user, told by its name and the folders that it lies in.

    Args:
        name: path relative to the user's folder, so that a folder named on purpose is read whatever it is called.
    """
    *folders, file = PurePath(name).parts
    return (
        file.casefold() in _FILES
        or file.startswith(_APPLE_DOUBLE_NAMES)
        or any(folder.casefold() in _FOLDERS for folder in folders)
    )
