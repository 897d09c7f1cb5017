"""Rows of the firm-centred scoreboard's tables, at one as-of date."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from assets.clusters.baselines import sic_clusters
from assets.clusters.evaluation import Horizon
from assets.clusters.peer_methods.nearness import Evidence, Nearness
from assets.clusters.peer_methods.registry import METHODS, nearness
from assets.clusters.scoreboard.firm_scores import Market, firm_scores, named_peers, r2_by_month
from assets.clusters.scoreboard.peers import Peers
from assets.clusters.scores import return_matrix

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


def peers_by_method(evidence: Evidence, seed: int) -> dict[str, Named]:
    """Return whom every method of the registry names."""
    found = {method: nearness(method, evidence) for method in METHODS}
    return {method: Named(near, named_peers(near, seed, evidence.history)) for method, near in found.items()}


def peer_rows(
    near: Mapping[str, Named], evidence: Evidence, after: pl.DataFrame, horizon: Horizon, seed: int
) -> PeerRows:
    """Return the rows of one finished horizon; none where no company is compared.

    Parameters
    ----------
    near : mapping of str to Named
        As from `peers_by_method`.
    after : DataFrame
        Rows of `monthly_returns` that count, after the as-of date.
    """
    rows, known = PeerRows(), evidence.known
    if not known.ids:
        return rows
    later = return_matrix(after, known.ids, horizon.months)
    sic4 = sic_clusters(known.companies["sic"].to_list(), "sic4")
    market = Market(known.ids, evidence.history, later, sic4, seed)
    for method, found in near.items():
        key = {"method": method, "horizon_months": len(horizon.months)}
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
                for month, value in zip(horizon.months, values.tolist(), strict=True)
            )
    rows.lost.extend(_lost(market, horizon.months))
    return rows


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
