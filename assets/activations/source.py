"""Where residual streams come from: the shards, where they are kept, or the model that reads the texts again."""

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from assets.activations.cache import fill
from assets.activations.harvest.reader import Reader, Text
from assets.activations.shards.part import Document
from assets.activations.shards.shards import Shards
from resources.models.model_source import model_identity
from resources.settings.profile import Profile

SHARDS = "shards"
"""Subfolder of an artefact that holds its shards."""
READ_AGAIN = "read-again"
"""Subfolder of an artefact for shards that exist only while its body runs."""
Progress = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar over a total of a unit; yields the function that advances it."""


@dataclass(frozen=True)
class ActivationSource:
    """Residual streams, the same numbers whether they were kept in shards or the model reads the texts again.

    Parameters
    ----------
    profile : the settings `model` and `activations`
    models : folder of converted models
    progress : opens a progress bar over a total of a unit
    log : takes a sentence for the log
    """

    profile: Profile
    models: Path
    progress: Progress
    log: Callable[[str], None]
    metadata: dict[str, Any] = field(default_factory=dict)
    """What the model read on the way, and what it cost; empty where everything came from shards."""

    def keep(self, rows: pl.DataFrame, artefact: Path, others: Sequence[Path]) -> None:
        """Store the shards of `rows` (accession, text, input_digest) in an artefact.

        Those of `others`, artefacts that have shards or not, are linked or copied; the model reads the rest.
        """
        reader = self._reader()
        fill(artefact / SHARDS, texts_of(rows), reader.blocks, [other / SHARDS for other in others], reader)
        self.metadata.update(reader.metadata)

    def documents(
        self,
        artefact: Path,
        filings: Callable[[], pl.DataFrame],
        accessions: Collection[str],
        blocks: Collection[int],
    ) -> Iterator[Document]:
        """Yield filings of an artefact of `activations` with their residual streams after `blocks`.

        Parameters
        ----------
        artefact : its folder
        filings : reads the rows accession, text, input_digest; called only where there are no shards
        accessions : the filings asked for
        blocks : zero-based
        """
        if not accessions:
            return
        if (artefact / SHARDS).is_dir():
            yield from Shards(artefact / SHARDS, self._expected()).iter_documents(sorted(blocks), accessions)
            return
        texts, reader = texts_of(filings().filter(pl.col("accession").is_in(sorted(accessions)))), self._reader()
        for parts in reader.read(reader.groups(texts, sorted(blocks))):
            for part in parts:
                yield from part.documents()
        self.metadata.update(reader.metadata)

    def corpus(self, rows: pl.DataFrame, artefact: Path, work: Path) -> "CorpusReader":
        """Return the corpus: `rows` of an artefact of `sae_corpus`, its folder, and a folder to read it again in."""
        return CorpusReader(self, rows, artefact, work / READ_AGAIN)

    def shards(self, artefact: Path, order: Sequence[str]) -> Shards:
        """Open the shards of an artefact, rows numbered in the order of these accessions."""
        return Shards(artefact / SHARDS, self._expected(), order)

    def _expected(self) -> dict[str, str]:
        """Return what shards must state about themselves, so that those of another model are never read."""
        return {"model": model_identity(self.profile.model, self.models)}

    def _reader(self) -> Reader:
        """Return a new reader for each use, so that the model's memory is free again afterwards."""
        return Reader(self.profile, self.models, self.progress, self.log)


@dataclass(frozen=True)
class CorpusReader:
    """The pinned corpus, opened split by split; see `ActivationSource.corpus`."""

    source: ActivationSource
    rows: pl.DataFrame
    """Of `sae_corpus`, all splits."""
    artefact: Path
    """Has the shards, where they were kept."""
    scratch: Path
    """For the shards of a split that is read again; removed when the split is closed."""

    @property
    def metadata(self) -> dict[str, Any]:
        """What the model read on the way, and what it cost."""
        return self.source.metadata

    @contextmanager
    def open(self, split: str) -> Iterator[tuple[pl.DataFrame, Shards]]:
        """Open 'train', 'validation' or 'held_out': its rows, each with its `first_row` in the shards, and the shards.

        Where shards were not kept they are made again, for as long as they are needed.
        """
        rows, artefact = self.rows.filter(pl.col("split") == split), self.artefact
        if not (artefact / SHARDS).is_dir():
            artefact = self.scratch
            self.source.keep(rows, artefact, [])
        try:
            shards = self.source.shards(artefact, rows["accession"].to_list())
            first_rows = [place.first_row for place in shards.places.values()]
            yield rows.with_columns(first_row=pl.Series(first_rows, dtype=pl.Int64)), shards
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)


def texts_of(rows: pl.DataFrame) -> list[Text]:
    """Return rows accession, text, input_digest as texts for the reader, sorted by accession."""
    return [Text(*row) for row in rows.sort("accession").select("accession", "text", "input_digest").iter_rows()]
