"""Any causal language model of `transformers`, by name or folder, as it is, or adapted by LoRA through `peft`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from scripts.errors import BundleError

from .model import SEG, LanguageModel

_INSTALL = "install it with: pip install -r requirements-language.txt"


def load_language_model(
    name: str,
    lora_rank: int = 0,
    lora_alpha: float = 16.0,
    lora_targets: Sequence[str] = ("q_proj", "k_proj", "v_proj", "o_proj"),
    dtype: str = "float32",
    gradient_checkpointing: bool = False,
    question_format: str = "{question}",
    longest: int = 256,
) -> LanguageModel:
    """Load a model with its configuration, tokenizer and weights as they come, and teach its tokenizer ``<SEG>``.

    A folder without weights gives random ones: so begins the small decoder of this bundle.

    Args:
        name: a folder, or a name that the hub knows.
        lora_rank: rank of the adapters; 0 trains the whole model.
        lora_alpha: their scale.
        lora_targets: the linear layers that get one.
        dtype: ``float32`` or ``bfloat16``; adapters stay in float32.
        gradient_checkpointing: compute activations twice to save memory.
        question_format: as of :class:`LanguageModel`.
        longest: likewise.

    Raises:
        BundleError: a package is missing, the folder lacks files, or the model cannot be loaded or adapted.
    """
    if dtype not in ("float32", "bfloat16"):
        raise BundleError(f'The language model cannot compute in "{dtype}"; choose float32 or bfloat16.')
    transformers = _package("transformers", "A language model")
    tokenizer = _load_tokenizer(transformers, name)
    model = _load_model(transformers, name, getattr(torch, dtype))
    if tokenizer.convert_tokens_to_ids(SEG) in (None, tokenizer.unk_token_id):
        tokenizer.add_tokens([SEG], special_tokens=True)
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:  # some models have room for more tokens
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    if lora_rank:
        model = _adapt(model, lora_rank, lora_alpha, lora_targets, int(tokenizer.convert_tokens_to_ids(SEG)), name)
    if gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return LanguageModel(model, tokenizer, question_format, longest, name)


def _package(name: str, who: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BundleError(f"{who} needs the package {name}: {_INSTALL}") from error


def _load_tokenizer(transformers: Any, name: str) -> Any:
    folder = Path(name)
    if folder.is_dir() and not any(folder.glob("tokenizer*")) and not any(folder.glob("vocab*")):
        raise BundleError(f'The language model "{name}" lacks the files of its tokenizer; copy them into its folder.')
    try:
        return transformers.AutoTokenizer.from_pretrained(name)
    except Exception as error:  # OSError, ValueError, ImportError ... as hub, converters and files fail
        raise BundleError(
            f'The tokenizer of "{name}" cannot be loaded ({_reason(error)}); give a folder with config.json, the '
            "tokenizer's files and the weights, or a name while the hub can be reached."
        ) from error


def _load_model(transformers: Any, name: str, dtype: torch.dtype) -> Any:
    try:
        config = transformers.AutoConfig.from_pretrained(name)
        folder = Path(name)
        if folder.is_dir() and not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin")):
            return transformers.AutoModelForCausalLM.from_config(config).to(dtype)
        return transformers.AutoModelForCausalLM.from_pretrained(name, dtype=dtype)
    except Exception as error:  # likewise
        raise BundleError(
            f'The language model "{name}" cannot be loaded ({_reason(error)}); give the folder or name of a causal '
            "model of transformers."
        ) from error


def _adapt(model: Any, rank: int, alpha: float, targets: Sequence[str], seg: int, name: str) -> Any:
    peft = _package("peft", "LoRA")
    # The new token's embedding learns too; where input and output share it, once.
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    named = {id(module): place.rpartition(".")[2] for place, module in model.named_modules()}
    learned = [model.get_input_embeddings(), *(() if tied else (model.get_output_embeddings(),))]
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=int(rank),
        lora_alpha=float(alpha),
        target_modules=list(targets),
        trainable_token_indices={named[id(module)]: [seg] for module in learned},
    )
    try:
        return peft.get_peft_model(model, config).get_base_model()
    except ValueError as error:
        raise BundleError(
            f'The language model "{name}" has none of the layers {", ".join(targets)}; name others with '
            "--lora_targets."
        ) from error


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")
