"""Autoencoders that others trained: read in their layout, and checked against the model before they are used."""

import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from assets.saes.files.hooks import Stream, stream_of_folder, stream_of_hook
from assets.saes.files.native import (
    CONFIG,
    WEIGHTS,
    OneLineError,
    SaeFileError,
    folder_digest,
    load_sae,
    read_settings,
)
from assets.saes.files.saelens import SAELENS_WEIGHTS, load_saelens
from assets.saes.files.sparsify import fold_scale
from assets.saes.model.sae import Sae
from resources.models.limits import ModelShape
from resources.settings.saes import Download

RUN = "config.json"
"""Of sparsify and Group-SAE: how a run was trained, beside the folders of its autoencoders."""
_PROCESSING = ("center_writing_weights", "fold_ln")
"""What TransformerLens may do to weights; for a model with LayerNorm the streams are then other ones."""
_SEED = re.compile(r"seed\d+")


class SaeMismatchError(OneLineError):
    """An autoencoder was not trained on the stream that it should read; the message states what differs."""


@dataclass(frozen=True)
class _Origin:
    """What a download states about the stream it was trained on; None: nothing."""

    place: Path
    """File, or folder by its name, that names the hook."""
    run: Path
    """File that states the rest."""
    hook: str | None = None
    """Hook of SAELens, module of transformers whose output is read, or name of a folder."""
    stream: Stream | None = None
    """What the hook means."""
    blocks: Sequence[int] | None = None
    """Those that an autoencoder of a group reads."""
    model: str | None = None
    """Id or folder of the model."""
    normalised: bool = False
    """Whether activations were multiplied by a factor that is not in the weights."""
    processing: Sequence[str] = ()
    """What was done to the model's weights, out of `_PROCESSING`."""


def load_download(download: Download, shape: ModelShape, model_id: str) -> Sae:
    """Read a download and check it against the model; raises as `open_downloaded` and `check_fits`."""
    return check_fits(
        open_downloaded(download.path),
        download.path,
        download.block,
        d_model=shape.d_model,
        n_blocks=shape.n_blocks,
        model_id=model_id,
        layer_norm=shape.layer_norm,
        scale=download.scale,
    )


def open_downloaded(folder: Path) -> Sae:
    """Read an autoencoder of sparsify, Group-SAE or SAELens 6, whichever the folder holds; float32, ready to encode.

    Raises
    ------
    SaeFileError
        The folder holds neither or both, a file is damaged, or it is of a kind that cannot be read.
    """
    return load_sae(folder) if _weights_file(folder).name == WEIGHTS else load_saelens(folder)


def download_digest(folder: Path) -> str:
    """`folder_digest` of whichever layout the folder holds; raises SaeFileError as `open_downloaded`."""
    return folder_digest(folder, _weights_file(folder).name)


def check_fits(
    sae: Sae,
    folder: Path,
    block: int,
    *,
    d_model: int,
    n_blocks: int,
    model_id: str | None = None,
    layer_norm: bool = False,
    scale: float | None = None,
) -> Sae:
    """Return the autoencoder for one block if nothing in its files contradicts that; weights are shared.

    Parameters
    ----------
    sae : Sae
        As `open_downloaded` returns it; one in the lake's own layout is taken at `block`, its scale folded in.
    folder : Path
        Where it was read; sparsify has the hook in its name (`layers.8`) and the model in `config.json` beside it.
        Where neither metadata nor the name state the hook, `block` is trusted.
    block : int
        Zero-based block after which it is to read the residual stream.
    d_model, n_blocks : int
        Of the model.
    model_id : str, optional
        Of the model, compared without its organisation and case; None: not compared.
    layer_norm : bool
        Whether the model has LayerNorm, for which TransformerLens changes the streams where it processes weights.
    scale : float, optional
        What raw activations are multiplied by before they are encoded; None: 1, unless Group-SAE normalised them.

    Raises
    ------
    SaeMismatchError
        Width, block, hook, model or its processing differ, or a scale is needed; the message names file, finding and
        remedy.
    """
    origin = _origin(folder)
    _check_size(sae, folder / CONFIG, block, d_model, n_blocks)
    if not sae.config.scales:  # else it is one of ours, which states its blocks
        _check_hook(origin, block)
    _check_model(origin, model_id)
    if layer_norm and origin.processing:
        raise SaeMismatchError(
            f"{origin.run}: it was trained on a model with {' and '.join(origin.processing)}, which "
            "moves the streams of a model with LayerNorm; the model is read as it is: take one that was trained without"
        )
    if origin.normalised and scale is None:
        raise SaeMismatchError(
            f"{origin.run}: normalize_activations is set, so activations were multiplied by a factor of their layer, "
            f"which scaling_factors.pt of the run holds: look it up for block {block} and give it as the scale"
        )
    one = fold_scale(sae, block) if sae.config.scales else sae
    return _placed(one, block, 1.0 if scale is None else scale)


def _weights_file(folder: Path) -> Path:
    there = [folder / name for name in (WEIGHTS, SAELENS_WEIGHTS) if (folder / name).is_file()]
    if len(there) != 1:
        found = "both" if there else "neither"
        raise SaeFileError(
            f"{folder}: holds {found} of {WEIGHTS} (sparsify, Group-SAE) and {SAELENS_WEIGHTS} (SAELens); "
            "give the folder of one autoencoder"
        )
    return there[0]


def _origin(folder: Path) -> _Origin:
    file = folder / CONFIG
    settings = read_settings(file)
    if isinstance(metadata := settings.get("metadata"), dict):
        hook, model = (_stated(metadata, key, str, file) for key in ("hook_name", "model_name"))
        processing = _processing(metadata, file)
        if hook is not None:
            return _Origin(file, file, hook=hook, stream=stream_of_hook(hook), model=model, processing=processing)
        return _Origin(
            folder, file, hook=folder.name, stream=stream_of_folder(folder.name), model=model, processing=processing
        )
    return _origin_of_run(folder.resolve())


def _processing(metadata: Mapping[str, Any], file: Path) -> list[str]:
    """Return what SAELens notes that TransformerLens did to the weights."""
    loaded = _stated(metadata, "model_from_pretrained_kwargs", dict, file) or {}
    return [name for name in _PROCESSING if loaded.get(name) or metadata.get(name)]


def _origin_of_run(place: Path) -> _Origin:
    """Return the origin of an autoencoder of sparsify or Group-SAE; with several seeds, the hook's folder is above."""
    if _SEED.fullmatch(place.name):
        place = place.parent
    file = place.parent / RUN
    run: dict[str, Any] = read_settings(file) if file.is_file() else {}
    groups: dict[str, Any] = _stated(run, "clusters", dict, file) or {}
    return _Origin(
        place,
        file,
        hook=place.name,
        stream=stream_of_folder(place.name),
        blocks=_stated(groups, place.name, list, file),
        model=_stated(run, "model", str, file),
        normalised=bool(run.get("normalize_activations")),
    )


def _stated(settings: Mapping[str, Any], key: str, kind: type, file: Path) -> Any:
    """Return what a file states under this key, or None; raise SaeFileError where it is of another type."""
    value = settings.get(key)
    if value is not None and not isinstance(value, kind):
        raise SaeFileError(f"{file}: {key} is {reprlib.repr(value)}, a {kind.__name__} is expected")
    return value


def _check_size(sae: Sae, file: Path, block: int, d_model: int, n_blocks: int) -> None:
    config = sae.config
    if config.d_model != d_model:
        raise SaeMismatchError(
            f"{file}: it reads a stream {config.d_model} wide, the model's is {d_model}: take one for this model"
        )
    if not 0 <= block < n_blocks:
        raise SaeMismatchError(f"{file}: it is for block {block}, the model has 0 to {n_blocks - 1}: name one of these")
    if config.scales and block not in config.scales:
        raise SaeMismatchError(
            f"{file}: it reads blocks {sorted(config.scales)}, wanted is {block}: name one of its own"
        )


def _check_hook(origin: _Origin, block: int) -> None:
    wanted = (
        f"wanted is the residual stream after block {block}: take the one of blocks.{block}.hook_resid_post "
        f"(SAELens) or layers.{block} (sparsify), or another block"
    )
    if origin.stream is not None and origin.stream.block != block:
        raise SaeMismatchError(f"{origin.place}: it reads {origin.hook!r:.80}, {wanted}")
    if origin.blocks is not None and block not in origin.blocks:
        raise SaeMismatchError(
            f"{origin.run}: {origin.place.name!r} reads blocks {reprlib.repr(list(origin.blocks))}, {wanted}"
        )


def _check_model(origin: _Origin, model_id: str | None) -> None:
    if origin.model is not None and model_id is not None and _short(origin.model) != _short(model_id):
        raise SaeMismatchError(
            f"{origin.run}: it was trained on {origin.model!r:.80}, the model is {model_id!r}: take one for this "
            "model; if these are two names of the same, write the model's into that file"
        )


def _short(model: str) -> str:
    return model.rstrip("/").rpartition("/")[2].lower()


def _placed(sae: Sae, block: int, scale: float) -> Sae:
    with torch.device("meta"):
        placed = Sae(replace(sae.config, blocks=(block,), scales={block: scale}, block_biases=False))
    placed.load_state_dict(sae.state_dict(), assign=True)
    return placed.eval()
