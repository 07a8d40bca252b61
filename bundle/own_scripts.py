"""Imported first by every config: ``scripts`` is this bundle's package, whatever the working folder holds."""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent

# Python looks into the working folder first, and MONAI puts the bundle's root behind it.
sys.path.insert(0, str(_ROOT))
_found = sys.modules.get("scripts")
if _found is not None and _ROOT / "scripts" not in map(Path.resolve, map(Path, _found.__path__)):
    for _name in [name for name in sys.modules if name.split(".")[0] == "scripts"]:
        del sys.modules[_name]
