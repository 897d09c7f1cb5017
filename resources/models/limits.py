"""Limits of the settings' language model, checked before its weights are loaded: context, blocks, memory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from resources.compute.devices import Device
from resources.models.model_source import config_at_hand, load_pretrained, model_folder, model_identity
from resources.models.weight_files import ModelNotFoundError
from resources.settings.model import Model

_BYTES = {"float32": 4, "bfloat16": 2}
_VECTORS_PER_TOKEN = 24
"""Vectors of d_model that a token has at once: residual stream, attention, and an MLP of gate, up and product."""
_CONTEXT = ("max_position_embeddings", "n_positions")
_BLOCKS = ("num_hidden_layers", "n_layer", "num_layers")
_WIDTH = ("hidden_size", "n_embd", "d_model")
_LAYER_NORM = ("layer_norm_eps", "layer_norm_epsilon")
UNLIMITED = 1 << 30
"""Context of a model whose configuration names none, because its positions are relative."""


class ModelLimitError(ValueError):
    """The settings ask for more than the model or the machine can do."""


class ContextError(ModelLimitError):
    """A window is longer than the model's context."""


class BlockError(ModelLimitError):
    """The model has no such block."""


class ModelTooLargeError(ModelLimitError):
    """The model does not fit the memory that is free."""


@dataclass(frozen=True)
class ModelShape:
    """Sizes of a language model that are known without its weights."""

    n_blocks: int
    """Decoder blocks."""
    d_model: int
    """Width of the residual stream."""
    context_length: int
    """Tokens read at once, a BOS token included."""
    layer_norm: bool = False
    """Whether its norms subtract the mean, as LayerNorm does and RMSNorm does not."""


def model_shape(settings: Model, models: Path) -> ModelShape:
    """Return the sizes of the settings' model, from its configuration (the wheel's model is converted first, once).

    Raises
    ------
    ModelNotFoundError
        The wheel, the folder or the hub's model is not there.
    ModelCodeError
        The model needs Python code of its own.
    """
    from transformers import AutoConfig

    return shape_of(load_pretrained(AutoConfig, model_folder(settings, models), settings.id))


def shape_of(config: Any) -> ModelShape:
    """Return the sizes in a configuration of transformers; of a model that also sees images, those of its text part."""
    text = config.get_text_config()
    longest = getattr(text, "max_position_embeddings", None)
    subtracts = any(hasattr(text, name) for name in _LAYER_NORM) and not hasattr(text, "rms_norm_eps")
    return ModelShape(text.num_hidden_layers, text.hidden_size, longest or UNLIMITED, subtracts)


def check_model(settings: Model, models: Path) -> None:
    """Check that a local model is there and reads windows as long as the settings ask; no torch, no network.

    A model on the hub that was never downloaded, and the context of a wheel's model that was never converted, are
    checked on opening.

    Raises
    ------
    ModelNotFoundError
        The wheel or the folder is not there.
    ContextError
        `model.context_length` is more than the model reads.
    """
    if settings.source != "hub":
        model_identity(settings, models)
    longest = _number(config_at_hand(settings, models), _CONTEXT)
    if longest is not None:
        check_context(settings, longest)


def check_blocks(settings: Model, models: Path, blocks: Sequence[int], setting: str) -> None:
    """Check that the model has the `blocks` that `setting` names, if its configuration is at hand; no torch.

    Raises
    ------
    BlockError
        A block does not exist; the message names it and the blocks that do.
    """
    there = _number(config_at_hand(settings, models), _BLOCKS)
    for block in blocks:
        if there is not None and not 0 <= block < there:
            raise BlockError(f"{setting}: {settings.id} has no block {block}; its blocks are 0 to {there - 1}")


def check_latents(settings: Model, models: Path, expansion: int, k: int) -> None:
    """Check that an autoencoder has as many latents as are active, if the model's configuration is at hand; no torch.

    Raises
    ------
    ModelLimitError
        It has fewer.
    """
    width = _number(config_at_hand(settings, models), _WIDTH)
    if width is not None and k > expansion * width:
        raise ModelLimitError(
            f"saes.k {k}: an autoencoder of {settings.id} has {expansion * width} latents (saes.expansion {expansion}, "
            f"{width} dimensions); lower k or raise the expansion"
        )


def check_context(settings: Model, longest: int) -> None:
    """Raise ContextError where `model.context_length` is more than the `longest` window that the model reads."""
    if settings.context_length > longest:
        asked = f"model.context_length {settings.context_length}"
        raise ContextError(
            f"{asked}: {settings.id} reads at most {longest} tokens at once; set it to {longest} or less"
        )


def check_memory(settings: Model, weights: Sequence[Path], d_model: int, device: Device) -> None:
    """Check that weights and one window, the smallest batch there is, fit the memory free on a device.

    Raises
    ------
    ModelTooLargeError
        They do not fit; the message names what is needed and what is free.
    ModelNotFoundError
        A file of weights is cut short.
    """
    size = _BYTES[device.dtype]
    parameters = size * sum(parameter_count(file) for file in weights)
    window = size * settings.context_length * _VECTORS_PER_TOKEN * d_model
    if parameters + window <= device.free_bytes:
        return
    needed = f"needs {_gb(parameters)} for weights in {device.dtype} and {_gb(window)} to read one window"
    there = f"{device.name} has {_gb(device.free_bytes)} free"
    smaller = " set model.dtype to bfloat16 if it has units for that," if device.dtype == "float32" else ""
    rest = "lower model.context_length, name a smaller model, or use a machine with more memory"
    raise ModelTooLargeError(f"model.id {settings.id}: {needed}; {there}: free memory,{smaller} {rest}")


def parameter_count(file: Path) -> int:
    """Count the numbers in a file of weights, from its header alone.

    Raises
    ------
    ModelNotFoundError
        The file is cut short or not safetensors.
    """
    try:
        with safe_open(file, framework="numpy") as tensors:
            return sum(prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    except SafetensorError as error:
        raise ModelNotFoundError(f"{file}: not a whole safetensors file ({error}); get it again") from error


def _number(file: Path | None, names: Sequence[str]) -> int | None:
    """Return the first of `names` in a config.json or its text model's section; None where all are left to defaults."""
    if file is None:
        return None
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelNotFoundError(f"{file}: not a whole configuration ({error}); get it again") from error
    text = content | content.get("text_config", {})
    return next((text[name] for name in names if isinstance(text.get(name), int)), None)


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
