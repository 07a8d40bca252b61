"""What was typed is what is meant: unknown options are refused, and paths reach the run as they were typed."""

from __future__ import annotations

import ast
import difflib
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow, create_workflow, run
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS, ID_SEP_KEY

from .errors import BundleError

#: Ids whose values are text, mostly paths: fire would make numbers, tuples and comments of them, MONAI references.
TEXTS = (
    "adapter", "alignment", "annotations", "bundle_root", "cache_dir", "cases", "closed_loop", "dataset_dir",
    "diagnoses", "dicomweb_url", "encoder_weights", "file_list", "init_heads", "init_loop", "init_weights",
    "language_model", "orthanc_url", "output_dir", "predictions", "prompt", "question", "question_format",
    "ray_address", "reference", "reference_masks", "report_url", "sam_checkpoint", "section", "send_to", "site",
    "text_tower_weights", "vision_language_model", "weights",
)  # fmt: skip
#: Of these, those that may be lists: ``"['a','b']"``.
LISTS = ("cases", "dataset_dir", "reference", "reference_masks")


def heed_command_line(resolved: dict[str, Any], argv: Sequence[str] | None = None) -> None:
    """Check the options of ``python -m monai.bundle run`` and put its texts in place of what was made of them.

    Every config does this at the start of its run. From Python, in MONAI Label and in tests there is no such command
    line: nothing is done.

    Args:
        resolved: what the config has resolved so far, by id (``__local_refs`` in an expression); what stands here is
            not resolved again. Texts that were typed are added.
        argv: the command line; None takes this process's.

    Raises:
        BundleError: an option that no config knows, or one without a value; the sentence names it.
    """
    typed = _typed_options(sys.argv if argv is None else argv)
    if not typed:
        return
    from fire.parser import DefaultParseValue  # only the command needs fire

    parser, given = _configuration(typed)
    for name, value in {**given, **typed}.items():
        identity = name.removeprefix("+").replace("#", ID_SEP_KEY)
        if identity not in parser and identity in _own_options():
            continue
        _refuse_unknown(identity, parser)
        if name in typed:
            _refuse_nothing(identity, value, parser)
        if identity in TEXTS and name in typed and value != "None":
            resolved[identity] = _as_typed(identity, value)
        parser[identity] = DefaultParseValue(value) if isinstance(value, str) else value


def must_be_given(name: str, what: str) -> None:
    """The default of an option that has none.

    Args:
        name: the option.
        what: what it names, and another way to go, in words.

    Raises:
        BundleError: always.
    """
    raise BundleError(f"Nothing was named to work on: name with --{name} {what}.")


def _typed_options(argv: Sequence[str]) -> dict[str, str]:
    """The options of a bundle command as typed, by name; empty where the process was started in another way."""
    if Path(argv[0]).parts[-3:] != ("monai", "bundle", "__main__.py") or argv[1:2] not in (["run"], ["run_workflow"]):
        return {}
    from fire import core, inspectutils, parser

    arguments, _ = parser.SeparateFlagArgs(list(argv[2:]))
    # The function that has parsed this very command; it is not public, but knows every spelling: --a b, --a=b, -a b.
    return dict(core._ParseKeywordArgs(arguments, inspectutils.GetFullArgSpec(run))[0])


def _configuration(typed: Mapping[str, str]) -> tuple[ConfigParser, dict[str, Any]]:
    """The config files of a command, merged and without its options, and the options of its ``args_file``."""
    from fire.parser import DefaultParseValue

    given = ConfigParser.load_config_file(typed["args_file"]) if "args_file" in typed else {}
    files = DefaultParseValue(typed["config_file"]) if "config_file" in typed else given.get("config_file")
    return ConfigParser(ConfigParser.load_config_files(files or {})), given


def _own_options() -> set[str]:
    """What MONAI itself understands, beside the ids of configs."""
    functions = (run, create_workflow, ConfigWorkflow.__init__)
    return {name for function in functions for name in inspect.signature(function).parameters} | set(
        DEFAULT_MLFLOW_SETTINGS["configs"]
    )


def _refuse_unknown(identity: str, parser: ConfigParser) -> None:
    """An id is known if the configs have it, or as an argument of one of their components."""
    above, _, _ = identity.rpartition(ID_SEP_KEY)
    around = parser.get(above)
    if identity in parser or identity.startswith(ConfigParser.meta_key):
        return
    if above and isinstance(around, dict) and ("_target_" in around or not around):
        return
    siblings = [f"{above}{ID_SEP_KEY}{name}" if above else name for name in around or () if isinstance(name, str)]
    names = siblings + ([] if above else sorted(_own_options()))
    nearest = difflib.get_close_matches(identity, names, n=1)
    hint = f"did you mean --{nearest[0]}?" if nearest else "the ids that can be set stand at the top of its config."
    raise BundleError(f"There is no option --{identity}: {hint}")


def _refuse_nothing(identity: str, value: str, parser: ConfigParser) -> None:
    """MONAI drops an option that is None, and takes a default in its place; without a value an option is True."""
    is_text = identity in TEXTS
    named = f" A folder or file of that name is written ./{value}." if is_text else ""
    if value == "None" and parser.get(identity) is not None:
        raise BundleError(f"--{identity} is None, which MONAI takes as not given: name a value or leave it out.{named}")
    if is_text and (not value.strip() or value == "True"):
        raise BundleError(f"--{identity} has no value: name one after it.{named if value.strip() else ''}")


def _as_typed(identity: str, value: str) -> str | list[str]:
    """The text, or the list of texts where it is one; quotes that Python would take off are taken off."""
    if not (value[0] == value[-1] and value[0] in "'\"" and len(value) > 2 or identity in LISTS and value[0] == "["):
        return value
    try:
        meant = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        meant = None
    texts = meant if isinstance(meant, list) else [meant]
    if value[0] == "[" and not all(isinstance(text, str) for text in texts):
        if Path(value).exists():
            return value
        raise BundleError(
            f"--{identity} {value} is no list of texts: quote each of them, as in --{identity} \"['one','two']\"."
        )
    return meant if all(isinstance(text, str) for text in texts) else value
