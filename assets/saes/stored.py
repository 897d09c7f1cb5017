"""The autoencoders of an artefact of `saes`, read from disk when they are needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from assets.saes.files.native import load_sae
from assets.saes.model.sae import Sae
from assets.saes.names import entry_folder


@dataclass(frozen=True)
class StoredSaes:
    """Autoencoders by entry. None is kept here, so the caller decides how many are in memory at once."""

    artefact: Path
    """Folder of the artefact."""
    rows: pl.DataFrame
    """Rows of `saes`, all or some: entry, blocks."""
    device: str = "cpu"
    """Where weights are put."""

    def load(self, entry: str) -> Sae:
        """Read one autoencoder, ready to encode; raises SaeFileError where its files are missing or damaged."""
        return load_sae(entry_folder(self.artefact, entry)).to(self.device)

    def load_blocks(self, entries: pl.DataFrame) -> dict[tuple[str, int], Sae]:
        """Read the autoencoders of some rows entry, block, each once, and keep all of them; by entry and block."""
        loaded = {entry: self.load(entry) for entry in entries["entry"].unique()}
        return {(entry, block): loaded[entry] for entry, block in entries.select("entry", "block").iter_rows()}

    def by_block(self) -> Iterator[tuple[str, int, Sae]]:
        """Yield entry, block and autoencoder of all blocks of all entries, one autoencoder in memory at a time."""
        for entry, blocks in self.rows.select("entry", "blocks").iter_rows():
            sae = self.load(entry)
            yield from ((entry, block, sae) for block in blocks)
