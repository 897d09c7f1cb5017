"""The two ways in which a year's filings are described: what each reads, and what a filing's rows depend on.

A filing is a unit of each view by itself: another autoencoder over passages must not have the model read tokens again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import polars as pl

from assets.activation_source import activation_source
from assets.features.encoding import chosen_entries, encode_filings
from assets.features.passages import Encoded, describing_entries, encode_passages
from assets.saes.stored import StoredSaes
from resources.lake.build import Build
from resources.settings.features import View


@dataclass(frozen=True)
class PassageView:
    """Themes: latents of passages."""

    build: Build
    name: ClassVar[View] = "passages"

    def recipes(self) -> dict[str, Any]:
        """Return accession -> what its rows depend on, of the filings that have a passage with a vector."""
        weights = self._entries.rows()
        spans = self.build.filing_digests("passages")
        vectors = self.build.filing_digests("passage_vectors")
        return {filing: [digest, spans.get(filing), weights] for filing, digest in vectors.items()}

    def encode(self, kept: Collection[str]) -> Encoded:
        """Encode the filings whose unit is not in `kept`."""
        vectors, passages = (_fresh(self.build.read(name), self.name, kept) for name in ("passage_vectors", "passages"))
        loaded = self._saes.load_blocks(self._entries) if vectors.height else {}
        with self.build.progress(vectors["accession"].n_unique(), "filings") as progress:
            return encode_passages(vectors, passages, loaded, progress)

    @cached_property
    def _saes(self) -> StoredSaes:
        return StoredSaes(self.build.folders("passage_saes")[0], self.build.read("passage_saes"))

    @cached_property
    def _entries(self) -> pl.DataFrame:
        return describing_entries(self._saes.rows)


@dataclass(frozen=True)
class TokenView:
    """Words: latents of tokens."""

    build: Build
    name: ClassVar[View] = "tokens"

    def recipes(self) -> dict[str, Any]:
        """Return accession -> what its rows depend on, of all filings."""
        weights = self._entries.rows()
        filings = self.build.read("activations").select("accession", "input_digest")
        return {filing: [digest, weights] for filing, digest in filings.iter_rows()}

    def encode(self, kept: Collection[str]) -> pl.DataFrame:
        """Return rows of `company_features` of the filings whose unit is not in `kept`; the model may have to read."""
        build, settings = self.build, self.build.profile.features
        filings = build.read("activations").sort("accession")
        fresh, source = _fresh(filings, self.name, kept), activation_source(build)
        documents = source.documents(
            build.folders("activations")[0],
            lambda: filings.join(build.read("descriptions"), on="accession"),
            fresh["accession"].to_list(),
            self._entries["block"].to_list(),
        )
        with build.progress(fresh.height, "filings") as progress:
            rows = encode_filings(
                documents,
                self._saes.load_blocks(self._entries),
                fresh,
                massive_norm=build.profile.activations.massive_norm,
                pooling=settings.pooling,
                progress=progress,
            )
        build.metadata |= source.metadata
        return rows

    @cached_property
    def _saes(self) -> StoredSaes:
        return StoredSaes(self.build.folders("saes")[0], self.build.read("saes"))

    @cached_property
    def _entries(self) -> pl.DataFrame:
        return chosen_entries(self._saes.rows, self.build.profile.features.blocks)


def _fresh(rows: pl.DataFrame, view: View, kept: Collection[str]) -> pl.DataFrame:
    return rows.filter(~(pl.lit(f"{view} ") + pl.col("accession")).is_in(sorted(kept)))
