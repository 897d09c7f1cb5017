"""Every method of the registry on `data/sp500`, or as a lake has it: the product's tables, and those made of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

import polars as pl
from scoreboard_evidence import returns

from assets import schemas
from assets.clusters.evaluation import horizon_after
from assets.clusters.methods import Known
from assets.clusters.peer_methods.nearness import evidence_at
from assets.clusters.scoreboard.pooled import difference_rows, interval_rows, r2_rows, score_difference_rows
from assets.clusters.scoreboard.tables import PeerRows, peer_rows, peers_by_method
from assets.partitions import month_end, months_later
from pipelines.questions import open_warehouse
from resources.lake.lake import Lake

HORIZONS = (12, 36)
MONTHS_BEFORE = 60
SEED = 0


class Period(NamedTuple):
    """As-of Decembers of years, scored on months up to the end of another year; no later price is opened."""

    first: int
    last: int
    until: int


PERIODS = {"choices": Period(2005, 2009, 2010), "reported": Period(2010, 2014, 2014), "final": Period(2014, 2016, 2017)}


@dataclass(frozen=True)
class Scores:
    """Rows of the product's tables, and what the product makes of them."""

    scores: pl.DataFrame
    """Of `peer_scores`."""
    draws: pl.DataFrame
    """Of `peer_score_draws`."""
    monthly: pl.DataFrame
    """Of `monthly_r2`."""
    lost: pl.DataFrame
    """Of `horizon_losses`."""

    @cached_property
    def intervals(self) -> pl.DataFrame:
        """Rows of `peer_intervals`."""
        scored = interval_rows(self.scores, self.draws)
        return schemas.PEER_INTERVALS.frame([*scored, *r2_rows(self.monthly)])

    @cached_property
    def r2_differences(self) -> pl.DataFrame:
        """Rows of `r2_differences`."""
        return schemas.R2_DIFFERENCES.frame(difference_rows(self.monthly))

    @cached_property
    def score_differences(self) -> pl.DataFrame:
        """Rows of `score_differences`."""
        return schemas.SCORE_DIFFERENCES.frame(score_difference_rows(self.scores, self.draws))

    @property
    def horizons(self) -> list[int]:
        """Months of the horizons that any date has finished."""
        return self.scores["horizon_months"].unique().sort().to_list()

    def dates(self, horizon: int) -> list[date]:
        """Return the as-of dates that have finished a horizon."""
        return self.scores.filter(horizon_months=horizon)["as_of"].unique().sort().to_list()


def measured(known: Known, period: Period) -> Scores:
    """Return the scores of all methods at every December of a period."""
    seen, rows = returns(date(period.until, 12, 31)), []
    for year in range(period.first, period.last + 1):
        rows += [{"as_of": month_end(f"{year}-12"), "found": found} for found in _at(known, f"{year}-12", seen)]
    tables = {
        "scores": schemas.PEER_SCORES,
        "draws": schemas.PEER_SCORE_DRAWS,
        "monthly": schemas.MONTHLY_R2,
        "lost": schemas.HORIZON_LOSSES,
    }
    dated = {
        name: table.frame({"as_of": one["as_of"], **row} for one in rows for row in getattr(one["found"], name))
        for name, table in tables.items()
    }
    return Scores(**dated)


def of_lake(lake: Lake) -> Scores:
    """Return the scores of a finished lake."""
    names = {"scores": "peer_scores", "draws": "peer_score_draws", "monthly": "monthly_r2", "lost": "horizon_losses"}
    with open_warehouse(lake) as warehouse:
        return Scores(**{part: warehouse.sql(f"from {name}").pl() for part, name in names.items()})


def _at(known: Known, month: str, seen: pl.DataFrame) -> Iterator[PeerRows]:
    """Yield the rows of every finished horizon of a date, as the asset `peer_scores` does."""
    as_of, first = month_end(month), months_later(month, -MONTHS_BEFORE)
    later = seen.filter(pl.col("month") > as_of)
    horizons = [horizon_after(as_of, months, later) for months in HORIZONS]
    finished = [horizon for horizon in horizons if horizon.finished]
    if finished:
        evidence = evidence_at(known, seen.filter(pl.col("month").is_between(first, as_of, closed="right")))
        yield from peer_rows(peers_by_method(evidence, SEED), evidence, later, finished, SEED)
