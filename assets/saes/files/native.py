"""Autoencoders on disk as the lake keeps them: the layout of EleutherAI sparsify, with more keys in `cfg.json`.

`cfg.json`, and in `sae.safetensors` float32 `encoder.weight` and `W_dec` [n_latents, d_model], `encoder.bias`
[n_latents], `b_dec` [d_model] (with biases per block: [blocks, ...]), `log_threshold` [n_latents] of JumpReLU,
`threshold` [] of BatchTopK.
"""

import json
import math
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import safetensors
import safetensors.torch
import torch

from assets.saes.model.sae import Sae, SaeConfig
from resources.lake.digests import digest_of, file_digest
from resources.settings.saes import Activation

CONFIG = "cfg.json"
WEIGHTS = "sae.safetensors"
UNSUPPORTED = ("signed", "multi_topk", "skip_connection", "transcode")
LONGEST_LINE = 480
"""Characters of what is said about a file."""
LARGEST_SETTINGS = 1 << 20
"""Bytes of a file of settings; those that are known have a few thousand."""
LARGEST = 10**15
"""A size that no dimension of an autoencoder has."""
KINDS = {"F64", "F32", "F16", "BF16"}
"""Types of weights that are read, by their names in safetensors; others need a scale that no file states."""
K_UNKNOWN = 1
"""`k` of a JumpReLU autoencoder whose file does not state its target L0; nothing is computed from it."""


class OneLineError(ValueError):
    """Says one line, cut where a file would make it long."""

    def __init__(self, message: str) -> None:
        line = " ".join(message.split())
        super().__init__(line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 3]}...")


class SaeFileError(OneLineError):
    """A folder does not hold an autoencoder that can be read."""


def save_sae(sae: Sae, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `cfg.json`, with `blocks`, `block_biases` and `scales` added, and weights; equal weights, equal bytes.

    Weights rounded to another `dtype` are read as float32 again.
    """
    weights = {name: tensor.to(dtype) for name, tensor in sae.state_dict().items()}
    write_files(folder, _settings(sae.config), weights, WEIGHTS)


def load_sae(folder: Path) -> Sae:
    """Read an autoencoder in float32, ready to encode.

    Those of sparsify (TopK) and Group-SAE (TopK and JumpReLU) can be read, too; they have no blocks and scales.

    Raises
    ------
    SaeFileError
        A file or a tensor is missing, a tensor has another shape than `cfg.json` states, or there is one too many; or
        it is an autoencoder of another kind.
    """
    file = folder / CONFIG
    settings = read_settings(file)
    with explained(file):
        config = _config(settings, file)
    weights = folder / WEIGHTS
    return filled(config, read_tensors(weights, _shapes(config, weights)), weights)


def folder_digest(folder: Path, weights: str = WEIGHTS) -> str:
    """SHA-256 over the two files that make an autoencoder; raises SaeFileError where one is missing."""
    files = [folder / CONFIG, folder / weights]
    for file in files:
        _check_file(file)
    return digest_of({file.name: file_digest(file) for file in files})


def write_files(folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], weights: str) -> None:
    """Write `cfg.json`, keys sorted, and the file `weights`; the same content gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    (folder / weights).write_bytes(safetensors.torch.save(whole))
    (folder / CONFIG).write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_settings(file: Path) -> dict[str, Any]:
    """Read a JSON object; raises SaeFileError where there is no file, or something else in it."""
    _check_file(file)
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_SETTINGS + 1)
        if len(raw) > LARGEST_SETTINGS:
            raise SaeFileError(f"{file}: larger than {LARGEST_SETTINGS:,} bytes, which no settings are")
        settings = json.loads(raw.decode("utf-8"))
    except OSError as error:
        raise SaeFileError(f"{file}: cannot be read: {error.strerror}") from error
    except SaeFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise SaeFileError(f"{file}: not valid JSON: {error}") from error
    if not isinstance(settings, dict):
        raise SaeFileError(f"{file}: a JSON object is expected, not {type(settings).__name__}")
    return settings


def read_tensors(file: Path, shapes: Mapping[str, Sequence[int]]) -> dict[str, torch.Tensor]:
    """Read the tensors of a safetensors file by name.

    Raises
    ------
    SaeFileError
        The file is missing or damaged, or its tensors are others than `shapes` has; then nothing was read but its head.
    """
    _check_file(file)
    try:
        with safetensors.safe_open(file, "pt") as stored:
            slices = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118  it is no dictionary
            for name, piece in slices.items():
                if piece.get_dtype() not in KINDS:
                    raise SaeFileError(
                        f"{file}: {name} holds numbers of type {piece.get_dtype()}; weights are read in float32, "
                        "float16, bfloat16 or float64: take a file with such"
                    )
            check_shapes({name: piece.get_shape() for name, piece in slices.items()}, shapes, file)
            return {name: stored.get_tensor(name) for name in slices}
    except OSError as error:
        raise SaeFileError(f"{file}: cannot be read: {error.strerror or error}") from error
    except RuntimeError as error:  # what torch raises where a file is larger than what it can map
        raise SaeFileError(f"{file}: cannot be read: {error}") from error
    except safetensors.SafetensorError as error:
        raise SaeFileError(f"{file}: not a safetensors file: {error}") from error


def _check_file(file: Path) -> None:
    if not file.exists():
        raise _missing(file)
    if not file.is_file():
        raise SaeFileError(f"{file}: is a folder or a device, not a file")


@contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turn errors inside the `with` block into a SaeFileError that names the file."""
    try:
        yield
    except SaeFileError:
        raise
    except KeyError as error:
        raise SaeFileError(f"{file}: the key {error} is missing") from error
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        raise SaeFileError(f"{file}: {error}") from error


def whole_number(settings: Mapping[str, Any], key: str) -> int:
    """Return a setting; raises KeyError where it is missing, TypeError where it is not a whole number."""
    value = settings[key]
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{key} is {reprlib.repr(value)}, which is no whole number")
    if not 0 < value <= LARGEST:
        raise ValueError(f"{key} is {reprlib.repr(value)}, which is not between 1 and {LARGEST:,}")
    return value


def check_shapes(found: Mapping[str, Sequence[int]], shapes: Mapping[str, Sequence[int]], file: Path) -> None:
    """Raise SaeFileError where tensors are missing, too many, or of other shapes than `cfg.json` states."""
    for name, shape in shapes.items():
        if name not in found:
            raise SaeFileError(f"{file}: no tensor {name!r}; it holds {sorted(found)}")
        if (size := list(found[name])) != (expected := list(shape)):
            raise SaeFileError(f"{file}: {name} is {size}, {CONFIG} says {expected}")
    if more := sorted(found.keys() - shapes.keys()):
        raise SaeFileError(f"{file}: {more} have no place in an autoencoder such as {CONFIG} says; read with others")


def filled(config: SaeConfig, tensors: Mapping[str, torch.Tensor], file: Path) -> Sae:
    """Return the autoencoder with these weights, copied into float32.

    Raises SaeFileError as `check_shapes`, before anything of the size that `config` states is allocated, and where a
    weight is NaN or infinite.
    """
    check_shapes({name: tensor.shape for name, tensor in tensors.items()}, _shapes(config, file), file)
    sae = Sae(config)
    for name, parameter in sae.state_dict().items():
        if not _numbers(parameter.copy_(tensors[name]), name):
            raise SaeFileError(f"{file}: {name} holds NaN or infinity; download or train it again")
    return sae.eval()


def _shapes(config: SaeConfig, file: Path) -> dict[str, torch.Size]:
    try:
        with torch.device("meta"):
            return {name: parameter.shape for name, parameter in Sae(config).state_dict().items()}
    except (RuntimeError, OverflowError, TypeError) as error:
        size = f"{config.n_latents} latents of {config.d_model} dimensions"
        raise SaeFileError(f"{file}: {CONFIG} says {size}, which no tensor can have") from error


def _numbers(tensor: torch.Tensor, name: str) -> bool:
    """Return whether all are finite; -inf is allowed as the logarithm of a threshold of 0."""
    allowed = tensor.isfinite() | tensor.isneginf() if name == "log_threshold" else tensor.isfinite()
    return bool(allowed.all())


def _settings(config: SaeConfig) -> dict[str, Any]:
    return {
        "activation": config.activation,
        "block_biases": config.block_biases,
        "blocks": list(config.blocks),
        "d_in": config.d_model,
        "expansion_factor": config.n_latents // config.d_model,
        "k": config.k,
        "normalize_decoder": True,
        "num_latents": config.n_latents,
        "scales": {str(block): scale for block, scale in config.scales.items()},
        **dict.fromkeys(UNSUPPORTED, False),
    }


def _config(settings: Mapping[str, Any], file: Path) -> SaeConfig:
    activation, k = _activation(settings, file)
    return SaeConfig(
        d_model=whole_number(settings, "d_in"),
        n_latents=_n_latents(settings),
        k=k,
        blocks=tuple(_block(block) for block in settings.get("blocks", ())),
        scales={_block(int(block)): _scale(scale) for block, scale in settings.get("scales", {}).items()},
        activation=activation,
        block_biases=bool(settings.get("block_biases")),
    )


def _block(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"a block is {value!r}, which is no number from 0 up")
    return value


def _scale(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise TypeError(f"a scale is {value!r}, which is no positive number")
    return float(value)


def _n_latents(settings: Mapping[str, Any]) -> int:
    """Return the number of latents; where it is missing or 0, d_in times the expansion factor."""
    if settings.get("num_latents"):
        return whole_number(settings, "num_latents")
    return whole_number(settings, "d_in") * whole_number(settings, "expansion_factor")


def _activation(settings: Mapping[str, Any], file: Path) -> tuple[Activation, int]:
    """Return activation and k. Group-SAE writes `jumprelu`, and then a k of -1."""
    name: Any = "jump_relu" if settings.get("jumprelu") else settings.get("activation", "topk")
    odd = [key for key in UNSUPPORTED if settings.get(key)]
    if odd or name not in get_args(Activation):
        raise SaeFileError(
            f"{file}: only plain TopK, BatchTopK and JumpReLU can be read, not activation {reprlib.repr(name)} {odd}; "
            "choose another autoencoder"
        )
    if settings.get("jumprelu"):
        return "jump_relu", round(settings.get("jumprelu_target_l0") or K_UNKNOWN)
    return name, whole_number(settings, "k")


def _missing(file: Path) -> SaeFileError:
    return SaeFileError(
        f"{file}: no such file; a folder holds {CONFIG} and {WEIGHTS} (sparsify) or sae_weights.safetensors (SAELens)"
    )
