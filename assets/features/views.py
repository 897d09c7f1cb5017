"""The two ways in which a year's filings are described: what each reads, and what a filing's rows depend on.

A filing is a unit of each view by itself: another autoencoder over passages must not have the model read tokens again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import polars as pl

from assets import schemas
from assets.activation_source import activation_source
from assets.features.encoding import chosen_entries, encode_filings
from assets.features.passages import Encoded, describing_entries, encode_passages
from assets.saes.stored import StoredSaes
from assets.texts_read import texts_read
from resources.compute.devices import devices
from resources.lake.build import Build
from resources.settings.features import View

FILINGS_AT_ONCE = 500
"""Some 230 MB of vectors where each has 400 passages of 576 dimensions."""


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
        """Encode the filings whose unit is not in `kept`, so many at a time that their vectors fit into memory."""
        fresh = sorted(self.build.filing_digests("passage_vectors").keys() - _filings(self.name, kept))
        saes = self._saes.load_blocks(self._entries) if fresh else {}
        found = [Encoded(schemas.COMPANY_FEATURES.empty(), schemas.THEME_PASSAGES.empty())]
        with self.build.progress(len(fresh), "filings") as progress:
            for first in range(0, len(fresh), FILINGS_AT_ONCE):
                some = fresh[first : first + FILINGS_AT_ONCE]
                vectors, passages = self._rows("passage_vectors", some), self._rows("passages", some)
                found.append(encode_passages(vectors, passages, saes, progress))
        features, strongest = (pl.concat(tables) for tables in zip(*found, strict=True))
        return Encoded(features, strongest)

    def _rows(self, table: str, filings: list[str]) -> pl.DataFrame:
        stored = pl.scan_parquet(self.build.files(table), glob=False)
        return stored.filter(pl.col("accession").is_in(filings)).collect()

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
        fresh = filings.filter(~pl.col("accession").is_in(sorted(_filings(self.name, kept))))
        source = activation_source(build)
        documents = source.documents(
            build.folders("activations")[0],
            lambda: filings.join(texts_read(build.read("descriptions"), build.read("passages")), on="accession"),
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
        return StoredSaes(self.build.folders("saes")[0], self.build.read("saes"), devices()[0].name)

    @cached_property
    def _entries(self) -> pl.DataFrame:
        return chosen_entries(self._saes.rows, self.build.profile.features.blocks)


def _filings(view: View, units: Collection[str]) -> set[str]:
    """Return the filings among a view's units, which are named `view accession`."""
    return {unit.removeprefix(f"{view} ") for unit in units if unit.startswith(f"{view} ")}
