"""Rows of the firm-centred scoreboard's tables, at one as-of date."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assets.clusters.baselines import sic_clusters
from assets.clusters.evaluation import Horizon
from assets.clusters.peer_methods.nearness import Evidence, Nearness
from assets.clusters.peer_methods.registry import METHODS, nearness
from assets.clusters.scoreboard.firm_scores import Market, firm_scores, named_peers, r2_by_month
from assets.clusters.scoreboard.peers import Peers
from assets.clusters.scores import return_matrix

Floats = NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True)
class PeerRows:
    """Rows of `peer_scores`, `peer_score_draws`, `monthly_r2` and `horizon_losses`, without as_of."""

    scores: list[Row] = field(default_factory=list)
    draws: list[Row] = field(default_factory=list)
    monthly: list[Row] = field(default_factory=list)
    lost: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Named:
    """What one method says at a date, and the peers that it names."""

    nearness: Nearness
    peers: Mapping[int, Peers]


def peers_by_method(evidence: Evidence, seed: int) -> Iterator[tuple[str, Named]]:
    """Yield whom every method of the registry names: one at a time, for each holds all pairs of companies."""
    for method in METHODS:
        near = nearness(method, evidence)
        yield method, Named(near, named_peers(near, seed, evidence.history))


def peer_rows(
    methods: Iterable[tuple[str, Named]],
    evidence: Evidence,
    after: pl.DataFrame,
    horizons: Sequence[Horizon],
    seed: int,
    outcomes: Mapping[str, Floats] | None = None,
) -> list[PeerRows]:
    """Return the rows of every finished horizon; none of them where no company is compared.

    Parameters
    ----------
    methods : iterable of (str, Named)
        As from `peers_by_method`.
    after : DataFrame
        Rows of `monthly_returns` that count, after the as-of date.
    outcomes : mapping, optional
        As from `next_year`; a fiscal year is one, so they are scored with the first horizon alone.
    """
    if not horizons or not evidence.known.ids:
        return [PeerRows() for _ in horizons]
    told = [outcomes or {}, *({} for _ in horizons[1:])]
    markets = [_market(evidence, after, horizon, seed, own) for horizon, own in zip(horizons, told, strict=True)]
    rows = [PeerRows(lost=list(_lost(market, over.months))) for market, over in zip(markets, horizons, strict=True)]
    for method, named in methods:
        for found, market, horizon in zip(rows, markets, horizons, strict=True):
            _add(found, method, named, market, horizon.months)
    return rows


def _market(
    evidence: Evidence, after: pl.DataFrame, horizon: Horizon, seed: int, outcomes: Mapping[str, Floats]
) -> Market:
    known = evidence.known
    sic4 = sic_clusters(known.companies["sic"].to_list(), "sic4")
    later = return_matrix(after, known.ids, horizon.months)
    return Market(known.ids, evidence.history, later, sic4, seed, outcomes)


def _add(rows: PeerRows, method: str, found: Named, market: Market, months: list[date]) -> None:
    """Add the rows of one method."""
    key = {"method": method, "horizon_months": len(months)}
    for score in firm_scores(found.nearness, found.peers, market):
        named = {**key, "score": score.name}
        rows.scores.append(
            {**named, "share": score.share, "value": _defined(score.value), "companies": score.companies}
        )
        if len(score.draws):
            rows.draws.append({**named, "draws": [_defined(draw) for draw in score.draws.tolist()]})
    for k, values in r2_by_month(found.peers, market).items():
        rows.monthly.extend(
            {**key, "peers": k, "month": month, "r2": _defined(value)}
            for month, value in zip(months, values.tolist(), strict=True)
        )


def _lost(market: Market, months: list[date]) -> Iterator[Row]:
    """Yield the companies that have not every month of the horizon, or never move in it, with their last month."""
    kept = set(market.window.kept.tolist())
    for number, company in enumerate(market.ids):
        if number not in kept:
            traded = np.flatnonzero(np.isfinite(market.after[:, number]))
            last = months[int(traded[-1])] if len(traded) else None
            yield {"horizon_months": len(months), "company_id": company, "last_month": last}


def _defined(value: float) -> float | None:
    return value if np.isfinite(value) else None
