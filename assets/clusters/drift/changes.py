"""Who stayed, moved, came and went between two as-of dates that follow each other, and which groups were born and died.

A company stayed where its group now is the one that its group before was matched with; else it moved. A group that was
matched is the same, one that is no more died, and a new one was born.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import polars as pl

from assets.clusters.drift.matching import overlaps

GROUPS = ["cluster_before", "cluster"]


@dataclass(frozen=True)
class Drift:
    """Rows of `cluster_drift`, without themes and filings, and of `group_drift`, of one method and two dates."""

    companies: pl.DataFrame
    groups: pl.DataFrame


def drifts(clusters: pl.DataFrame) -> Iterator[Drift]:
    """Yield what changed for every method and every two dates that follow each other.

    A date without any groups is left out: the dates beside it follow each other.

    Parameters
    ----------
    clusters : DataFrame
        Rows of `peer_clusters`, of several dates and methods.
    """
    for (method,), rows in clusters.sort("method").group_by("method", maintain_order=True):
        dates = rows["as_of"].unique().sort().to_list()
        formed = {as_of: rows.filter(as_of=as_of).select("company_id", "cluster") for as_of in dates}
        for before, as_of in pairwise(dates):
            found = between(formed[before], formed[as_of])
            yield Drift(*(_dated(part, str(method), before, as_of) for part in (found.companies, found.groups)))


def _dated(rows: pl.DataFrame, method: str, before: date, as_of: date) -> pl.DataFrame:
    days = (pl.lit(day, pl.Date) for day in (before, as_of))
    return rows.with_columns(**dict(zip(("before", "as_of"), days, strict=True)), method=pl.lit(method))


def between(before: pl.DataFrame, after: pl.DataFrame) -> Drift:
    """Return what changed from one grouping to the next.

    Parameters
    ----------
    before, after : DataFrame
        company_id and cluster of one method, a row per company.
    """
    known = before.rename({"cluster": "cluster_before"}).join(after, on="company_id", how="full", coalesce=True)
    alike = overlaps(known.drop_nulls(GROUPS))
    companies = known.join(alike, on=GROUPS, how="left").select("company_id", *GROUPS, "jaccard", change=_change())
    return Drift(companies.sort("company_id"), _groups(known, alike))


def _change() -> pl.Expr:
    gone, new = (pl.col(name).is_null() for name in reversed(GROUPS))
    stayed = pl.when("same").then(pl.lit("stayed")).otherwise(pl.lit("moved"))
    return pl.when(new).then(pl.lit("new")).when(gone).then(pl.lit("gone")).otherwise(stayed)


def _groups(known: pl.DataFrame, alike: pl.DataFrame) -> pl.DataFrame:
    """Return a row per group: the same at both dates, died, or born.

    Beside one that died stands the group that most of its companies went to, beside one that was born the group that
    most came from: what was split, and what was merged.
    """
    best = alike.sort("shared", "jaccard", *GROUPS, descending=[True, True, False, False])
    parts = [alike.filter("same").with_columns(change=pl.lit("same"))]
    for own, change in zip(GROUPS, ("died", "born"), strict=True):
        alone = known.select(own).drop_nulls().unique().join(parts[0], on=own, how="anti")
        parts.append(
            alone.join(best.unique(own, keep="first", maintain_order=True), on=own, how="left").with_columns(
                pl.col("shared").fill_null(0), change=pl.lit(change)
            )
        )
    rows = pl.concat([part.select("change", *GROUPS, "shared", "jaccard") for part in parts])
    for own, size in zip(GROUPS, ("size_before", "size"), strict=True):
        counts = known.drop_nulls(own).group_by(own).agg(pl.len().cast(pl.Int32).alias(size))
        rows = rows.join(counts, on=own, how="left")
    number = pl.when(pl.col("change") == "died").then("cluster_before").otherwise("cluster")
    return rows.with_columns(number=number).sort("change", *GROUPS, nulls_last=True)
