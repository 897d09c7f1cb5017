"""Where residual streams come from: the shards, where they are kept, or the model that reads the texts again."""

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import polars as pl

from assets.activations.cache import fill
from assets.activations.harvest.reader import Reader, Text
from assets.activations.shards.part import Document
from assets.activations.shards.shards import Shards
from resources.lake.build import Build
from resources.models.model_source import model_identity

SHARDS = "shards"


def documents(build: Build, accessions: Collection[str], blocks: Collection[int]) -> Iterator[Document]:
    """Filings of this partition with their residual streams after `blocks`: the same whether they were kept or not."""
    if not accessions:
        return
    (folder,) = (folder / SHARDS for folder in build.folders("activations"))
    if folder.is_dir():
        yield from Shards(folder, expected(build)).iter_documents(sorted(blocks), accessions)
        return
    filings = build.read("activations").join(build.read("descriptions"), on="accession")
    texts = texts_of(filings.filter(pl.col("accession").is_in(sorted(accessions))))
    reader = reader_of(build)
    for parts in reader.read(reader.groups(texts, sorted(blocks))):
        for part in parts:
            yield from part.documents()
    build.metadata |= reader.metadata


def keep_corpus(build: Build, rows: pl.DataFrame) -> None:
    """Make the shards of the corpus where they are to be kept: copied from the cache, read where it has them not."""
    if build.profile.activations.keep == "none":
        return
    reader = reader_of(build)
    folders = [*([build.before_folder] if build.previous else []), *build.folders("activations")]
    fill(build.folder / SHARDS, texts_of(rows), reader.blocks, [folder / SHARDS for folder in folders], reader)
    build.metadata |= reader.metadata


@contextmanager
def open_corpus(build: Build, split: str) -> Iterator[tuple[pl.DataFrame, Shards]]:
    """Rows of a split of `sae_corpus`, each with its `first_row`, and the shards.

    Where they were not kept they are made again, for as long as they are needed.
    """
    (folder,) = (folder / SHARDS for folder in build.folders("sae_corpus"))
    rows, scratch = build.read("sae_corpus").filter(pl.col("split") == split), build.folder / "read-again"
    if not folder.is_dir():
        reader = reader_of(build)
        fill(scratch, texts_of(rows), reader.blocks, [], reader)
        build.metadata |= reader.metadata
        folder = scratch
    try:
        shards = Shards(folder, expected(build), order=rows["accession"].to_list())
        first_rows = [place.first_row for place in shards.places.values()]
        yield rows.with_columns(first_row=pl.Series(first_rows, dtype=pl.Int64)), shards
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def reader_of(build: Build) -> Reader:
    """The profile's model as a reader that shows its progress and its cost in this build."""
    return Reader(build.profile, build.models, build.progress, build.log)


def texts_of(rows: pl.DataFrame) -> list[Text]:
    """Rows accession, text, input_digest as texts to be read, sorted."""
    return [Text(*row) for row in rows.sort("accession").select("accession", "text", "input_digest").iter_rows()]


def expected(build: Build) -> dict[str, str]:
    """What shards have to say of themselves to be read."""
    return {"model": model_identity(build.profile.model, build.models)}
