"""[paper] The rows that the paper's clusters are made of, read when a step needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.paper.asked import has_own_returns
from assets.clusters.paper.clustering import Embed, PaperYear
from assets.clusters.paper.latent_sums import latent_sums
from assets.clusters.paper.pca import PrincipalComponents, principal_components
from assets.prices.usable import usable
from resources.lake.build import Build
from resources.models.bert_cls import bert_cls_vectors
from resources.universe.authors_returns import read_authors_returns


@dataclass(frozen=True)
class PaperInputs:
    """Filings, returns, principal components and embeddings of the profile's own data."""

    build: Build
    metadata: dict[str, Any] = field(default_factory=dict)
    """What was measured on the way."""

    @cached_property
    def filings(self) -> pl.DataFrame:
        """company_id, accession, filed_at, fiscal_year and sic of every filing with a text."""
        codes = self.build.read("filings").select("accession", "sic")
        described = self.build.read("descriptions").select("company_id", "accession", "filed_at", "fiscal_year")
        return described.join(codes, on="accession", how="left")

    @cached_property
    def returns(self) -> pl.DataFrame:
        """company_id, month and log_return: the authors' own where they come with the texts, else of prices."""
        profile = self.build.profile
        if has_own_returns(profile):
            return read_authors_returns(profile.descriptions, profile.years, self.build.lake.sources.home / "hub")
        known = usable(self.build.read("monthly_returns"), profile.returns.exclude)
        return known.select("company_id", "month", "log_return")

    def components(self, years: Sequence[PaperYear]) -> PrincipalComponents | None:
        """Return the principal components of the filings of all years, where a method needs them.

        They are fitted on the filings that are clustered, those with returns, as the authors' data set has no others.
        """
        settings = self.build.profile.paper
        if not years or not {"c_cd", "g_cd_r"} & set(settings.methods):
            return None
        accessions = [accession for year in years for accession in year.accessions]
        sums = latent_sums(self.build.files("company_features"), accessions)
        found = principal_components(sums, settings.components)
        self.metadata["filings"], self.metadata["latents"] = sums.shape
        self.metadata["components"] = len(found.explained)
        self.metadata["explained_variance"] = float(found.explained.sum())
        return found

    @property
    def embeddings(self) -> Mapping[str, Embed]:
        """Method -> what embeds filings."""
        return {"sbert": partial(_sbert, self.build), "bert": partial(_bert, self.build)}


def _sbert(build: Build, accessions: Sequence[str]) -> NDArray[Any]:
    return np.array(_of(build.read("company_embeddings"), accessions)["embedding"].to_list())


def _bert(build: Build, accessions: Sequence[str]) -> NDArray[Any]:
    folder = build.profile.paper.bert
    assert folder is not None  # the fingerprint has looked
    return bert_cls_vectors(folder, _of(build.read("descriptions"), accessions)["text"].to_list())


def _of(rows: pl.DataFrame, accessions: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame({"accession": accessions}).join(rows, on="accession", maintain_order="left")
