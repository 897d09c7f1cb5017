"""What the bodies of `saes` and `sae_scores` do: carry over, take in, train, score."""

import shutil
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from assets.activations.source import open_corpus
from assets.saes.corpus.draw import Rows, kept_tokens
from assets.saes.files.downloaded import check_fits, open_downloaded
from assets.saes.files.native import SaeFileError, entry_folder, folder_digest, load_sae
from assets.saes.metrics import mmcs, reconstruction_scores
from assets.saes.model.sae import Sae
from assets.saes.training.entries import Entry, training_waves
from assets.saes.training.run import Run, training_corpus, validation_samples
from assets.saes.training.step import SaeTraining
from resources.compute.devices import devices
from resources.lake.build import Build
from resources.models.limits import model_shape

BYTES_IN_TRAINING = 32
"""Per latent and dimension: encoder and decoder, gradients, and Adam's two moments, float32."""
TOGETHER_BYTES = 8 << 30
"""Of all that are trained in one pass; not of the memory there is, so that a second start finds the same turns."""


def whole_entries(build: Build, names: set[str]) -> set[str]:
    """Those whose two files are still there, byte for byte."""
    stored = build.before("saes").filter(pl.col("entry").is_in(sorted(names)))
    return {
        name
        for name, digest in stored.select("entry", "sha256").rows()
        if _has_digest(entry_folder(build.before_folder, name), digest)
    }


def _has_digest(folder: Path, digest: str) -> bool:
    try:
        return folder_digest(folder) == digest
    except SaeFileError:
        return False


def carried_over(build: Build, kept: set[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Copy the weights of unchanged entries; returns their rows and curves."""
    for name in kept:
        shutil.copytree(entry_folder(build.before_folder, name), entry_folder(build.folder, name))
    unchanged = pl.col("entry").is_in(sorted(kept))
    return tuple(build.before(table).filter(unchanged).to_dicts() for table in ("saes", "sae_curves"))  # type: ignore[return-value]


def downloaded(build: Build, name: str) -> Sae:
    """An autoencoder that others trained, checked against the model."""
    (download,) = (one for one in build.profile.saes.downloads if one.name == name)
    shape = model_shape(build.profile.model, build.models)
    return check_fits(
        open_downloaded(download.path),
        download.path,
        download.block,
        d_model=shape.d_model,
        n_blocks=shape.n_blocks,
        model_id=build.profile.model.id,
        scale=download.scale,
    )


def trained(
    build: Build, entries: Sequence[Entry], fresh: Sequence[Entry], checkpoints: Path
) -> Iterator[tuple[Entry, SaeTraining]]:
    """Train turn by turn, all entries of a turn in one pass over the cache; parents are read where they are saved."""
    if not fresh:
        return
    blocks = sorted({block for entry in fresh for block in entry.blocks})
    massive, device = build.profile.activations.massive_norm, devices()[0].name
    with open_corpus(build, "validation") as (index, shards):
        samples = validation_samples(shards, index, blocks, massive)
    total = sum(entry.tokens for entry in fresh)
    with open_corpus(build, "train") as (index, shards), build.progress(total, "tokens") as progress:
        corpus = training_corpus(shards, index, blocks, samples, massive)
        kept = [statistics.keep for statistics in corpus.statistics.values()]
        build.metadata["massive_activations"] = sum(int((~keep).sum()) for keep in kept)
        seconds, latents = 0.0, shards.d_model * build.profile.saes.expansion
        most = max(1, TOGETHER_BYTES // (BYTES_IN_TRAINING * latents * shards.d_model))
        for due in training_waves(entries, fresh, most):
            names = {entry.parent for entry in due if entry.parent}
            parents = {name: load_sae(entry_folder(build.folder, name)) for name in names}
            run = Run(due, parents, corpus, build.profile, device)
            run.go(checkpoints / f"{due[0].name}.safetensors", progress, build.log)
            yield from ((entry, run.trainings[entry.name]) for entry in due)
            seconds += sum(training.seconds for training in run.trainings.values())
            del run, parents
    build.metadata["training_seconds"] = seconds


def opened_saes(build: Build, entries: pl.DataFrame) -> Iterator[tuple[str, int, Sae]]:
    """Yield entry, block and autoencoder of all blocks of all entries; each is read when it is its turn."""
    for entry, blocks in entries.select("entry", "blocks").iter_rows():
        sae = _opened(build, entry)
        yield from ((entry, block, sae) for block in blocks)


def reconstruction(build: Build, entries: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """FVU, L0 and dead latents per entry and block, and the texts of the held-out documents."""
    massive, rows = build.profile.activations.massive_norm, []
    total = int(entries["blocks"].list.len().sum())
    with open_corpus(build, "held_out") as (held_out, shards), build.progress(total, "blocks") as progress:
        keep = cache(lambda block: kept_tokens(shards, held_out, block, massive))
        for entry, block, sae in opened_saes(build, entries):
            scores = reconstruction_scores(sae, {block: Rows(shards, block)}, {block: keep(block)})
            rows.append(scores.with_columns(entry=pl.lit(entry)))
            progress(1)
    return pl.concat(rows), held_out["text"].to_list()


def decoder_mmcs(build: Build, entries: pl.DataFrame) -> pl.DataFrame:
    """Rows entry, mmcs: how like an entry's decoder is to that of the one it started from."""
    cosines = [
        mmcs(_opened(build, entry).W_dec, _opened(build, parent).W_dec) if parent else None
        for entry, parent in entries.select("entry", "parent").rows()
    ]
    return entries.select("entry").with_columns(mmcs=pl.Series(cosines, dtype=pl.Float64))


def _opened(build: Build, entry: str) -> Sae:
    return load_sae(entry_folder(build.folders("saes")[0], entry)).to(devices()[0].name)
