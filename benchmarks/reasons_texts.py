"""What reasons.py measures on: texts, their passages, a vector of each, and shards of their tokens.

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

from assets.activations.cache import fill
from assets.activations.harvest.reader import Reader, Text, text_digest
from assets.activations.shards.part import Document, Filing, Part
from assets.activations.shards.shard_files import write_part
from assets.activations.shards.shards import Shards
from assets.features.passages import as_matrix
from assets.known_at import newest_filings
from assets.saes.over_passages.vectors import PassageVectors, passages_by_block
from resources.lake.progress import progress_bar
from resources.models.model_source import model_identity
from resources.models.tokenizer import open_tokenizer
from resources.places import SAMPLE
from resources.settings.activations import Activations
from resources.settings.corpus import Corpus
from resources.settings.features import Features
from resources.settings.passages import Passages
from resources.settings.profile import Profile

BLOCK = 24
"""Of passages."""
WITH_TOKENS = {"sp500", "sample"}
"""Short texts, which are read whole and whose shards are kept; those of filings would take 10 GB."""
SAVED_AS = {"tenk90s": "tenk"}
"""Folder of `--saved`, where it is not the name."""


def profile_of(most: int) -> Profile:
    """Return the settings with which all is read and trained: the defaults."""
    blocks = sorted({BLOCK, *Features().blocks})
    return Profile(
        name="reasons",
        activations=Activations(blocks=blocks),
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
    shards: Path | None = None
    """Token shards of all texts, where they are kept."""

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


class ShardPass(PassagePass):
    """A pass over texts whose shards lie in the working folder."""

    def _documents(self, texts: pl.DataFrame) -> Iterator[Document]:
        shards = Shards(self.folder / "shards")
        return shards.iter_documents(self.profile.passages.blocks, texts["accession"].to_list())


def read(name: str, texts: pl.DataFrame, scratch: Path, models: Path, most: int) -> Texts:
    """Return texts that the model reads here, or read in an earlier run; streams are kept of those in WITH_TOKENS."""
    profile, folder = profile_of(most), scratch / name / f"first-{most}"
    reader = Reader(profile, models, lambda total, unit: progress_bar(name, total, unit), print)
    if name not in WITH_TOKENS:
        return Texts(name, folder, profile, PassagePass(reader, profile, folder).run(texts))
    identity, shards = model_identity(profile.model, models), folder / "shards"
    rows = texts.select("accession", "text").iter_rows()
    named = [Text(accession, text, text_digest(profile.model, identity, text)) for accession, text in rows]
    fill(shards, named, reader.blocks, [], reader)
    return Texts(name, folder, profile, ShardPass(reader, profile, folder).run(texts), shards)


def take(name: str, texts: pl.DataFrame, saved: Path, scratch: Path, models: Path, most: int) -> Texts:
    """Return texts that were read elsewhere, of each its first `most` passages."""
    profile, folder, place = profile_of(most), scratch / name / "saved", saved / SAVED_AS.get(name, name)
    files = take_saved(place, texts, profile, folder)
    for file in (*files, folder / "passages.parquet"):
        pl.read_parquet(file).filter(pl.col("passage") < most).write_parquet(file)
    if not (place / "tok.parquet").is_file():
        return Texts(name, folder, profile, files)
    return Texts(name, folder, profile, files, _as_shards(place, texts, profile, models, folder / "shards"))


def source(name: str) -> pl.DataFrame:
    """Return accession, company_id, filed_at and text of all descriptions of a corpus."""
    if name == "sample":
        texts = read_texts(SAMPLE / "descriptions")
        # The later texts of a company would be companies of their own here.
        return texts.filter(~pl.col("accession").str.contains("-", literal=True))
    data = Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data"))
    if name == "tenk90s":
        return read_texts(data / "tenk90s" / "item1.parquet")
    rows = pl.read_parquet(data / "sp500" / "companies.parquet").filter(pl.col("description").is_not_null())
    named = rows.select(accession="ticker", company_id="ticker", filed_at=pl.lit(UNDATED), text="description")
    return named.sort("accession")


def _as_shards(place: Path, texts: pl.DataFrame, profile: Profile, models: Path, folder: Path) -> Path:
    """Write tBLOCK.npy, texts one after another in the order of tok.parquet, as shards."""
    text, tokenizer = dict(texts.select("accession", "text").iter_rows()), open_tokenizer(profile.model, models)
    order = pl.read_parquet(place / "tok.parquet")["id"].to_list()
    filings = tuple(Filing(accession, "", tokenizer.tokenize(text[accession])) for accession in order)
    bits = {block: np.load(place / f"t{block}.npy").view(np.uint16) for block in profile.activations.blocks or ()}
    write_part(folder, 0, Part(filings, bits, dict.fromkeys(bits, "float16")), {})
    return folder
