"""All scores of one method at one as-of date and horizon: every method on the same companies and months."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assets.clusters.intervals import firm_weights
from assets.clusters.peer_methods.nearness import Nearness
from assets.clusters.scoreboard.cross_section import monthly_r2
from assets.clusters.scoreboard.hedge import hedge_cut, incremental_r2
from assets.clusters.scoreboard.next_year import outcome_scores
from assets.clusters.scoreboard.pair_scores import (
    SHARES,
    group_point,
    market_adjusted,
    ranked_pairs,
    resampled_means,
    resampled_medians,
    same_number,
)
from assets.clusters.scoreboard.peers import Peers, draw_peers, ranked_similarity
from assets.clusters.scores import ReturnWindow, complete_returns, correlations

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

PEERS = (5, 10)
"""Peers of a company in the cross-section R2; the first of them in what is scored company by company."""


@dataclass(frozen=True)
class Score:
    """One score of a method; `value` is NaN where it is not defined."""

    name: str
    value: float
    companies: int
    """Companies behind it."""
    draws: Floats = field(default_factory=lambda: np.empty(0))
    """Of bootstrap samples of the companies, NaN where a sample has none; empty where none are taken."""
    share: float | None = None
    """Share of all pairs that it is over, where it is over pairs."""


@dataclass(frozen=True)
class Market:
    """Returns around an as-of date, of the companies that are compared, in the order of similarities."""

    ids: Sequence[str]
    before: Floats
    """[months, n] up to the date, NaN where there is none."""
    after: Floats
    """[months, n] of the finished horizon; two months at least."""
    sic4: Labels
    """[n]: SIC-4 group of each company; one without a code is alone."""
    seed: int
    outcomes: Mapping[str, Floats] = field(default_factory=dict)
    """What became of the companies besides their returns, as from `next_year`: [n] each, NaN where unknown."""

    @cached_property
    def window(self) -> ReturnWindow:
        """The companies with every month of the horizon."""
        return complete_returns(self.after)

    @cached_property
    def weights(self) -> Floats:
        """How often each company is in each bootstrap sample: [draws, n]."""
        return firm_weights(self.ids, self.seed)

    @cached_property
    def adjusted(self) -> Floats:
        """Correlations of what the market leaves, of the companies of the window."""
        return correlations(market_adjusted(self.window.values))

    @cached_property
    def raw(self) -> Floats:
        """Correlations of returns, of the companies of the window."""
        return self.window.correlations()

    @cached_property
    def in_sic4(self) -> NDArray[np.bool_]:
        """Whether two companies of the window are in one SIC-4 group: [kept, kept]."""
        groups = self.sic4[self.window.kept]
        return np.asarray(groups[:, None] == groups[None, :])

    @cached_property
    def others_in_sic4(self) -> Labels:
        """How many others of its SIC-4 group are in the window, of each company of the window."""
        return np.asarray(self.in_sic4.sum(axis=1) - 1, dtype=np.int64)

    @cached_property
    def with_sic4(self) -> tuple[Floats, Floats]:
        """Each company's mean correlation with its SIC-4 group, `adjusted` and `raw`: every method is held to it."""
        near, counts = self.in_sic4.astype(np.float64), self.others_in_sic4
        return same_number(near, self.adjusted, counts), same_number(near, self.raw, counts)


def named_peers(nearness: Nearness, seed: int, history: Floats | None = None) -> dict[int, Peers]:
    """Return the peers of every company, by how many: they do not depend on what comes after the date.

    Parameters
    ----------
    history : [months, n] float64, optional
        Returns up to the date. Whoever has none in the last month is named after all others: a text tells of companies
        that are not listed yet or any more, and who does not trade has no return to compare, whatever the method.
    """
    similarity = nearness.similarity
    if history is not None and np.isfinite(history[-1:]).any():
        # Below those of whom the method cannot say how near they are, too.
        known = ranked_similarity(similarity)
        similarity = np.where(np.isfinite(history[-1]), known, known.min(initial=0.0, where=np.isfinite(known)) - 1)
    return {k: draw_peers(similarity, k, seed=seed) for k in PEERS}


def r2_by_month(peers: Mapping[int, Peers], market: Market) -> dict[int, Floats]:
    """Return the cross-section R2 of every month of the horizon, by the number of peers."""
    return {k: monthly_r2(market.after, drawn) for k, drawn in peers.items()}


def firm_scores(nearness: Nearness, peers: Mapping[int, Peers], market: Market) -> Iterator[Score]:
    """Yield every score of a method but the cross-section R2, which `r2_by_month` has month by month.

    `peers` are its `named_peers`.
    """
    n = len(market.ids)
    yield Score("coverage", float(nearness.placed.mean()) if n else float("nan"), n)
    yield from _company_scores(peers[PEERS[0]], market)
    for name, value, companies, draws in outcome_scores(market.outcomes, peers[PEERS[0]], market.weights):
        yield Score(name, value, companies, draws)
    if len(market.window.kept) < 2:
        return
    yield from _same_number_scores(nearness, market)
    yield from _pair_scores(nearness, market)


def _company_scores(peers: Peers, market: Market) -> Iterator[Score]:
    yield _mean("incremental_r2", incremental_r2(market.after, peers), market.weights)
    cuts = hedge_cut(market.before, market.after, peers)
    known = np.isfinite(cuts).all(axis=0)
    median = float(np.median(cuts[:, known], axis=1).mean()) if known.any() else float("nan")
    yield Score("hedge_median", median, int(known.sum()), resampled_medians(cuts, market.weights))
    yield _mean("hedge_worse", np.where(known, (cuts < 0).mean(axis=0), np.nan), market.weights)


def _same_number_scores(nearness: Nearness, market: Market) -> Iterator[Score]:
    """Yield the mean correlation with as many nearest as there are others in the SIC-4 group, and less that group's."""
    kept = market.window.kept
    weights, counts = market.weights[:, kept], market.others_in_sic4
    near, (adjusted, raw) = nearness.similarity[np.ix_(kept, kept)], market.with_sic4
    for suffix, corr, of_sic4 in (("", market.adjusted, adjusted), ("_raw", market.raw, raw)):
        own = same_number(near, corr, counts)
        yield _mean(f"same_number{suffix}", own, weights)
        yield _mean(f"same_number{suffix}_less_sic4", own - of_sic4, weights)


def _pair_scores(nearness: Nearness, market: Market) -> Iterator[Score]:
    kept = market.window.kept
    weights, near = market.weights[:, kept], ranked_pairs(nearness.similarity[np.ix_(kept, kept)])
    # What is not market-adjusted stands beside as a figure alone: its draws would double the time and the bytes.
    for suffix, corr, sampled in (("", market.adjusted, weights), ("_raw", market.raw, weights[:0])):
        found = near.curve(corr, sampled)
        for number, share in enumerate(SHARES):
            drawn, at = found.draws[:, number], float(found.shares[number])
            yield Score(f"pairs_{share:g}{suffix}", float(found.means[number]), len(kept), drawn, at)
        if nearness.groups is not None:
            point = group_point(nearness.groups[kept], corr, sampled)
            mean, at = float(point.means[0]), float(point.shares[0])
            yield Score(f"groups{suffix}", mean, len(kept), point.draws[:, 0], at)


def _mean(name: str, values: Floats, weights: Floats) -> Score:
    known = np.isfinite(values)
    mean = float(values[known].mean()) if known.any() else float("nan")
    return Score(name, mean, int(known.sum()), resampled_means(values, weights))
