"""What reasons.py measures on: texts, their passages, a vector of each, and the residual streams of the tokens.

The model's pass is the slow part, so it goes into a folder of `--scratch` and is taken from there the next time.
`--saved` takes what was read elsewhere (passage_texts.py says how it lies there); kinds are judged anew then.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from passage_texts import UNDATED, PassagePass, corpus_of, read_texts, take_saved
from tqdm import tqdm

from assets.activations.harvest.reader import Reader
from assets.activations.shards.part import Document
from assets.features.passages import as_matrix
from assets.known_at import newest_filings
from assets.saes.over_passages.vectors import PassageVectors, passages_by_block
from assets.texts_read import texts_read
from resources.lake.progress import progress_bar
from resources.models.tokenizer import open_tokenizer
from resources.places import SAMPLE
from resources.settings.activations import Activations
from resources.settings.corpus import Corpus
from resources.settings.passages import Passages
from resources.settings.profile import Profile

BLOCK = 24
WITH_TOKENS = {"sp500", "sample"}
"""Short texts, whose residual streams are kept; those of whole filings would take 3 GB."""
SAVED_AS = {"tenk90s": "tenk"}
"""Folder of `--saved`, where it is not the name."""


def profile_of(most: int) -> Profile:
    """Return the settings with which all is read and trained: the defaults, at one block."""
    return Profile(
        name="reasons",
        activations=Activations(blocks=[BLOCK]),
        passages=Passages(blocks=[BLOCK], max_per_filing=most),
        corpus=Corpus(cutoff=date(2100, 1, 1)),
    )


@dataclass(frozen=True)
class Texts:
    """A corpus of descriptions, one of each company, read by the model."""

    name: str
    folder: Path
    """texts.parquet, passages.parquet and what the model made of them."""
    profile: Profile
    files: list[Path] = field(repr=False)
    """Of rows of `passage_vectors`."""
    models: Path
    """Folder of converted models."""
    streams: Path | None = None
    """A folder with a residual stream of every text, where they are kept."""

    @cached_property
    def filings(self) -> pl.DataFrame:
        """Accession, company_id, filed_at and text of the newest filing of each company that has a passage."""
        known = pl.scan_parquet(self.files, glob=False).select("accession").unique().collect()
        rows = pl.read_parquet(self.folder / "texts.parquet").join(known, on="accession", how="semi")
        return newest_filings(rows).sort("company_id")

    @cached_property
    def passages(self) -> pl.DataFrame:
        """Rows of `passages`."""
        return pl.read_parquet(self.folder / "passages.parquet").sort("accession", "passage")

    @cached_property
    def vectors(self) -> pl.DataFrame:
        """Rows of `passage_vectors` of the newest filings."""
        rows = pl.read_parquet(self.files, glob=False)
        return rows.join(self.filings, on="accession", how="semi").sort("accession", "passage")

    @cached_property
    def corpus(self) -> pl.DataFrame:
        """Rows of `passage_corpus`: all passages of all filings, as autoencoders are trained on them."""
        return corpus_of(self.folder, self.files, self.profile.corpus).sort("accession", "passage")

    @cached_property
    def training(self) -> PassageVectors:
        """The same as training takes them."""
        return next(passages_by_block(self.corpus))

    @cached_property
    def x(self) -> NDArray[np.float32]:
        """Vectors [passages of the corpus, d_model]."""
        return as_matrix(self.corpus["vector"])

    def documents(self) -> Iterator[Document]:
        """Yield the newest filings that have tokens, with their residual streams."""
        assert self.streams is not None, f"{self.name} has no residual streams"
        tokenizer = open_tokenizer(self.profile.model, self.models)
        shown = texts_read(self.filings, self.passages).select("accession", "text").rows()
        for accession, text in tqdm(shown, leave=False, disable=None):
            stream = np.load(self.streams / f"{accession}.npy")
            yield Document(accession, tokenizer.tokenize(text), {BLOCK: stream})


class StreamPass(PassagePass):
    """A pass that keeps the residual streams, too, a file a text."""

    def _documents(self, texts: pl.DataFrame) -> Iterator[Document]:
        (folder := self.folder / "streams").mkdir(exist_ok=True)
        for document in super()._documents(texts):
            np.save(folder / f"{document.accession}.npy", document.streams[BLOCK])
            yield document


def read(name: str, texts: pl.DataFrame, scratch: Path, models: Path, most: int) -> Texts:
    """Return texts that the model reads here, or read in an earlier run; streams are kept of those in WITH_TOKENS."""
    profile, folder = profile_of(most), scratch / name / f"first-{most}"
    reader = Reader(profile, models, lambda total, unit: progress_bar(name, total, unit), print)
    run = (StreamPass if name in WITH_TOKENS else PassagePass)(reader, profile, folder)
    files = run.run(texts)
    streams = folder / "streams" if name in WITH_TOKENS else None
    return Texts(name, folder, profile, files, models, streams)


def take(name: str, texts: pl.DataFrame, saved: Path, scratch: Path, models: Path, most: int) -> Texts:
    """Return texts that were read elsewhere, of each its first `most` passages."""
    profile, folder, place = profile_of(most), scratch / name / "saved", saved / SAVED_AS.get(name, name)
    files = take_saved(place, texts, profile, folder)
    for file in (*files, folder / "passages.parquet"):
        pl.read_parquet(file).filter(pl.col("passage") < most).write_parquet(file)
    streams = _cut_streams(place, folder / "streams") if (place / "tok.parquet").is_file() else None
    return Texts(name, folder, profile, files, models, streams)


def source(name: str) -> pl.DataFrame:
    """Return accession, company_id, filed_at and text of all descriptions of a corpus."""
    if name == "sample":
        return read_texts(SAMPLE / "descriptions")
    data = Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data"))
    if name == "tenk90s":
        return read_texts(data / "tenk90s" / "item1.parquet")
    rows = pl.read_parquet(data / "sp500" / "companies.parquet").filter(pl.col("description").is_not_null())
    named = rows.select(accession="ticker", company_id="ticker", filed_at=pl.lit(UNDATED), text="description")
    return named.sort("accession")


def _cut_streams(place: Path, folder: Path) -> Path:
    """Cut tBLOCK.npy, texts one after another, into a file a text; tok.parquet says how long each is."""
    stored, first = np.load(place / f"t{BLOCK}.npy", mmap_mode="r"), 0
    folder.mkdir(parents=True, exist_ok=True)
    for accession, tokens in pl.read_parquet(place / "tok.parquet").iter_rows():
        np.save(folder / f"{accession}.npy", stored[first : first + tokens])
        first += tokens
    return folder
