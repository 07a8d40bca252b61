"""The house stays in order: who may import whom, how large files and folders are, one network in two configs."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "bundle" / "scripts"
CONFIGS = SCRIPTS.parent / "configs"
FILES = sorted(SCRIPTS.rglob("*.py"))

#: Floors: a folder imports from those below it alone. Files beside the folders stand on the lowest.
FLOORS = (
    {"writing"},
    {"data", "networks", "semantics", "radiomics", "findings"},
    {"training", "results", "evaluation", "serving"},
    {"inference", "studies"},
)
LOWEST = {path.stem for path in SCRIPTS.glob("*.py")} - {"__init__"}
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names} | dict.fromkeys(LOWEST, -1)

MOST_LINES, MOST_FILES = 250, 15
#: Its files are the parts of the method's figure.
ROOMY = {"networks"}
#: Heavy libraries that a run imports only where it uses them: not at the head of a file, unless a run imports that file
#: where it uses it.
HEAVY = (
    "dicomweb_client fsspec highdicom matplotlib open_clip peft pyarrow ray requests segment_anything skimage sklearn "
    "tokenizers transformers"
).split()
LATE = ("results/dicom/",)


def count_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def imports_of(path: Path) -> list[tuple[str, ...]]:
    """Every import of ``scripts`` in a file as the path of what it names, relative ones resolved."""
    package = path.relative_to(SCRIPTS.parent).parent.parts
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            # ``from scripts import data`` names a folder only in its second half.
            found += [(*module, alias.name) for alias in node.names] if module == ("scripts",) else [module]
    return [name[1:] for name in found if name[0] == "scripts" and len(name) > 1]


def test_imports_go_down_only() -> None:
    upwards = []
    for path in FILES:
        own = path.relative_to(SCRIPTS).with_suffix("").parts[0]
        for name in imports_of(path):
            assert name[0] in FLOOR_OF, f"{'.'.join(name)} stands on no floor: add its folder to FLOORS"
            down = FLOOR_OF[name[0]] < FLOOR_OF.get(own, 9) or FLOOR_OF[name[0]] == -1
            if name[0] != own and not down:
                upwards.append(f"{path.relative_to(SCRIPTS)} imports {'.'.join(name)}")
    assert not upwards


def test_imports_are_relative_inside_a_folder_and_named_between_folders() -> None:
    wrong = []
    for path in FILES:
        own = path.relative_to(SCRIPTS).parent.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and own:
                absolute = not node.level and (node.module or "").split(".")[: len(own) + 1] == ["scripts", *own]
                # Upwards within a folder (data/dicom -> data) the address is named, too.
                if absolute or node.level > 1:
                    wrong.append(f"{path.relative_to(SCRIPTS)}, line {node.lineno}")
    assert not wrong


def test_files_and_folders_are_small() -> None:
    long = {path.relative_to(SCRIPTS).as_posix(): lines for path in FILES if (lines := count_lines(path)) > MOST_LINES}
    assert not long
    folders = {path.parent for path in FILES}
    full = {folder.name: count for folder in folders if (count := len(list(folder.glob("*.py")))) > MOST_FILES + 1}
    assert not full.keys() - ROOMY


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    for path in FILES:
        place = path.relative_to(SCRIPTS).as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            heavy = {name.split(".")[0] for name in names}.intersection(HEAVY)
            assert not heavy or place.startswith(LATE), f"{place} imports {heavy} at its head"


def test_training_and_inference_describe_one_network() -> None:
    train, inference = (json.loads((CONFIGS / f"{name}.json").read_text()) for name in ("train", "inference"))
    # Inference takes the prompt's embedding from the checkpoint.
    assert train["network_def"].pop("prompt_embedding")
    assert train["network_def"] == inference["network_def"]
    asked = set(re.findall(r"@(\w+)", json.dumps(inference["network_def"]))) - {"network_def"} | {"image_size"}
    assert {name: train[name] for name in asked} == {name: inference[name] for name in asked}
