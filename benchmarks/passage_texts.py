"""Texts become a corpus of passages outside a lake: split, told apart by kind, read by the model, one vector each.

A working folder holds texts.parquet, passages.parquet and vectors/part-00000.parquet, 8 texts each. A part that is
there is not read again, so an interrupted pass goes on where it was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from assets import schemas
from assets.activations.harvest.reader import Reader, Text
from assets.activations.shards.part import Document
from assets.passages.corpus import corpus_rows, draw_filings, text_counts
from assets.passages.finding import find_passages
from assets.passages.kinds import kind_of
from assets.passages.repeated import mark_repeated
from assets.passages.vectors import passage_vector_rows
from assets.texts_read import texts_read
from resources.lake.digests import digest_of
from resources.settings.corpus import Corpus
from resources.settings.profile import Profile

TEXTS_IN_A_PART = 8
UNDATED = date(2000, 1, 1)
"""Day of filing of texts that have none; with one day for all, wording is repeated whoever had it first."""
COLUMNS = ("accession", "company_id", "filed_at", "text")


def read_texts(source: Path) -> pl.DataFrame:
    """Return COLUMNS of a Parquet file (accession, cik, text, perhaps filed_at), or of a folder of *.txt files."""
    if source.is_dir():
        files = sorted(source.glob("*.txt"))
        rows = pl.DataFrame({"accession": [f.stem for f in files], "text": [f.read_text("utf-8") for f in files]})
        rows = rows.with_columns(company_id=pl.col("accession"), filed_at=pl.lit(UNDATED))
    else:
        rows = pl.read_parquet(source).rename({"cik": "company_id"})
        if "filed_at" not in rows.columns:
            rows = rows.with_columns(filed_at=pl.lit(UNDATED))
    return rows.select(COLUMNS).unique("accession", keep="first").sort("accession")


@dataclass(frozen=True)
class PassagePass:
    """One pass of the model over texts, into a working folder.

    Parameters
    ----------
    reader : the model
    profile : which block, how many passages of a text, which tokens are massive
    folder : the working folder
    """

    reader: Reader
    profile: Profile
    folder: Path

    def run(self, texts: pl.DataFrame) -> list[Path]:
        """Read what is not read yet; return the files of vectors, which only passages of kind text have."""
        settings = self.profile.passages
        found = find_passages(texts, self.reader.tokenize, settings.max_per_filing)
        found = mark_repeated(found, texts, settings.repeated_in)
        _write(self.folder, texts, found)
        shown = texts_read(texts, found)
        starts = range(0, shown.height, TEXTS_IN_A_PART)
        return [self._part(shown[first : first + TEXTS_IN_A_PART], found) for first in starts]

    def _part(self, texts: pl.DataFrame, found: pl.DataFrame) -> Path:
        rows = found.join(texts.select("accession"), on="accession", how="semi")
        what = [texts.write_json(), rows.drop("filed_at").write_json(), self.profile.passages.blocks]
        file = self.folder / "vectors" / f"part-{digest_of([self.reader.about(), *what])[:16]}.parquet"
        if file.is_file():
            return file
        file.parent.mkdir(exist_ok=True)
        blocks, massive = self.profile.passages.blocks, self.profile.activations.massive_norm
        whole = dict(texts.select("accession", "text").iter_rows())
        vectors = passage_vector_rows(self._documents(texts), rows, whole, blocks, massive)
        draft = file.with_suffix(".new")
        vectors.write_parquet(draft)
        draft.replace(file)
        return file

    def _documents(self, texts: pl.DataFrame) -> Iterator[Document]:
        named = [Text(accession, text, accession) for accession, text in texts.select("accession", "text").iter_rows()]
        for parts in self.reader.read(self.reader.groups(named, self.profile.passages.blocks)):
            for part in parts:
                yield from part.documents()


def take_saved(saved: Path, texts: pl.DataFrame, profile: Profile, folder: Path) -> list[Path]:
    """Make a working folder of passages that were read elsewhere, and judge their kinds anew; return its one part.

    `saved` has docs.parquet (id, text: perhaps only the beginning), passages.parquet (id, passage, start, end, kind,
    tokens) and v24.npy, a row for each passage; `id` is an accession of `texts`.
    """
    (block,) = profile.passages.blocks
    whole = pl.read_parquet(saved / "docs.parquet").select(accession="id", text="text")
    shown = texts.drop("text").join(whole, on="accession").select(COLUMNS)
    places = pl.read_parquet(saved / "passages.parquet").rename({"id": "accession"}).with_row_index("row")
    places = places.join(shown, on="accession", maintain_order="left")
    vectors = np.load(saved / f"v{block}.npy", mmap_mode="r")[places["row"].to_numpy()].astype("<f2")
    kinds = [
        kind_of(text[start:end], is_heading=kind == "heading")
        for text, start, end, kind in places.select("text", "start", "end", "kind").iter_rows()
    ]
    rows = places.drop("row", "text").with_columns(
        kind=pl.Series([kind for kind, _ in kinds]), rule=pl.Series([rule for _, rule in kinds], dtype=pl.String)
    )
    found = mark_repeated(schemas.PASSAGES.frame(rows.to_dicts()), shown, profile.passages.repeated_in)
    _write(folder, shown, found)
    read = rows.select("accession", "company_id", "filed_at", "passage").with_columns(
        block=pl.lit(block), vector=pl.Series([vector.tobytes() for vector in vectors], dtype=pl.Binary)
    )
    prose = found.filter(pl.col("kind") == "text").select("accession", "passage")
    kept = read.join(prose, on=["accession", "passage"], how="semi", maintain_order="left")
    (folder / "vectors").mkdir(exist_ok=True)
    file = folder / "vectors" / "part-saved.parquet"
    schemas.PASSAGE_VECTORS.frame(kept.to_dicts()).write_parquet(file)
    return [file]


def corpus_of(folder: Path, vectors: Sequence[Path], settings: Corpus) -> pl.DataFrame:
    """Return rows of `passage_corpus` from files of vectors in a working folder: all of them, split by companies."""
    counts = text_counts(vectors)
    drawn = draw_filings(counts, settings, int(counts["passages"].sum()))
    return corpus_rows(drawn, vectors, [folder / "passages.parquet"], [folder / "texts.parquet"])


def _write(folder: Path, texts: pl.DataFrame, passages: pl.DataFrame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    texts.write_parquet(folder / "texts.parquet")
    passages.write_parquet(folder / "passages.parquet")
