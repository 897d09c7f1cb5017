"""Autoencoders that are not made again: those of the artefact before that would come out the same."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from assets.saes.files.native import SaeFileError, folder_digest
from assets.saes.names import entry_folder

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class PreviousSaes:
    """What the artefact before this one holds; no rows where there was none."""

    rows: pl.DataFrame
    """Of `saes`."""
    curves: pl.DataFrame
    """Of `sae_curves`."""
    artefact: Path | None
    """Its folder."""

    def intact(self, names: Collection[str]) -> set[str]:
        """Return those of these entries whose two files are still there, byte for byte."""
        stored = self.rows.filter(pl.col("entry").is_in(sorted(names))).select("entry", "sha256")
        return {name for name, digest in stored.iter_rows() if self._digest(name) == digest}

    def copy(self, names: Collection[str], artefact: Path) -> tuple[Rows, Rows]:
        """Copy the weights of entries to another artefact; return their rows and their curves."""
        for name in names:
            shutil.copytree(self._folder(name), entry_folder(artefact, name))
        chosen = pl.col("entry").is_in(sorted(names))
        return self.rows.filter(chosen).to_dicts(), self.curves.filter(chosen).to_dicts()

    def _digest(self, name: str) -> str | None:
        try:
            return folder_digest(self._folder(name))
        except SaeFileError:
            return None

    def _folder(self, name: str) -> Path:
        if self.artefact is None:
            raise FileNotFoundError(f"{name}: there is no artefact before this one")
        return entry_folder(self.artefact, name)
