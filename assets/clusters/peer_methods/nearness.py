"""What a method of naming peers is given, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.baselines import tfidf_similarity
from assets.clusters.methods import Known
from assets.clusters.scoreboard.peers import shared_levels
from assets.clusters.scores import return_matrix

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Given:
    """What a profile names beside filings and prices; None where it does not."""

    pairs: pl.DataFrame | None = None
    """company_id, peer_id and score that Hoberg and Phillips publish, of a year that was known."""
    nouns: frozenset[str] | None = None
    """Nouns in the singular, in small letters."""


@dataclass(frozen=True)
class Evidence:
    """All that may be looked at: nothing filed or traded after the as-of date."""

    known: Known
    """The n companies, in the order of rows and columns of similarities."""
    history: Floats
    """Monthly log returns up to the date, [months, n], NaN where there is none."""
    given: Given = Given()
    months: tuple[date, ...] = ()
    """Those of `history`."""

    @cached_property
    def words(self) -> Floats:
        """Cosines of the companies' words [n, n], which several methods start from."""
        return tfidf_similarity(self.known.companies["text"].to_list())


def evidence_at(known: Known, before: pl.DataFrame, given: Given | None = None) -> Evidence:
    """Return what may be looked at; `before` has the rows of `monthly_returns` that count, none after the date."""
    months = before["month"].unique().sort().to_list()
    return Evidence(known, return_matrix(before, known.ids, months), given or Given(), tuple(months))


@dataclass(frozen=True)
class Nearness:
    """How near a method finds any two companies."""

    similarity: Floats
    """[n, n], NaN where it cannot say; ties are broken at random."""
    placed: NDArray[np.bool_]
    """[n]: whom it gives a peer of its own, before anything is filled up from a coarser level or the market."""
    groups: Labels | None = None
    """[n], of a classification: its groups; None of a similarity."""


PeerMethod = Callable[[Evidence], Nearness]


def compared(similarity: Floats) -> Nearness:
    """Return the nearness of a method that compares: whoever it finds like or unlike anybody is placed."""
    says = np.isfinite(similarity) & (similarity != 0)
    np.fill_diagonal(says, False)
    return Nearness(similarity, says.any(axis=1))


def classified(*levels: Labels) -> Nearness:
    """Return the nearness of a classification, from its own groups to those of the levels that fill them up."""
    own = levels[0]
    return Nearness(shared_levels(levels), np.bincount(own, minlength=1)[own] > 1, own)
