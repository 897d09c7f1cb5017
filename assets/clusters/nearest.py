"""How often the nearest peer is in a company's SIC major group, how sure that is, and whether methods differ."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from assets.clusters.intervals import CONFIDENCE

OWN = "sae"
"""The method that the others are tested against."""
CHANCE = "random"


def nearest_matches(neighbours: pl.DataFrame, groups: Mapping[str, str | None]) -> pl.DataFrame:
    """Return the rows of `nearest_matches` without as_of: every company that has a group, under every method.

    A company that is alone in its group is asked, too, and can only miss: without it the share would be of a subset
    that is easier. `random` holds the chance that a peer drawn from all others is in the group.

    Parameters
    ----------
    neighbours : DataFrame
        Rows of `neighbours` of one as-of date.
    groups : mapping
        Company -> its group, None where it has none; of all companies that were grouped.
    """
    known = pl.DataFrame(
        list(groups.items()), schema={"company_id": pl.String, "group": pl.String}, orient="row"
    ).drop_nulls()
    sized = known.with_columns(others=pl.len().over("group").cast(pl.Int64) - 1)
    peers = known.rename({"company_id": "peer_id", "group": "peer_group"})
    nearest = (
        neighbours.filter(pl.col("rank") == 1)
        .join(sized, on="company_id")
        .join(peers, on="peer_id", how="left")
        .with_columns(same=(pl.col("group") == pl.col("peer_group")).fill_null(False).cast(pl.Float64))
    )
    chance = sized.with_columns(method=pl.lit(CHANCE), same=pl.col("others") / max(len(groups) - 1, 1))
    columns = ["method", "company_id", pl.col("others").eq(0).alias("alone"), "same"]
    return pl.concat([nearest.select(columns), chance.select(columns)]).sort("method", "company_id")


def nearest_shares(matches: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the row of `nearest_shares` of every method.

    A company counts once, with the mean over its dates: eight dates that hold one text are one observation. The
    interval is Wilson's over companies. The test is McNemar's exact one of `sae` against the method, over companies for
    which one of them is right more often than the other.

    Parameters
    ----------
    matches : DataFrame
        Rows of `nearest_matches` of one or several dates.
    """
    pooled = matches.group_by("method", "company_id").agg(pl.col("same").mean(), pl.col("alone").all())
    own = pooled.filter(method=OWN).select("company_id", own="same")
    for (method,), rows in pooled.sort("method", "company_id").group_by("method", maintain_order=True):
        companies, same = rows.height, float(rows["same"].sum())
        row = {"method": method, "companies": companies, "alone": int(rows["alone"].sum()), "share": same / companies}
        if method != CHANCE:
            # Never more than all: a sum of means may be a last bit above.
            low, high = proportion_confint(min(same, companies), companies, alpha=1 - CONFIDENCE, method="wilson")
            row |= {"low": float(low), "high": float(high)}
        yield row | (_against(rows.join(own, on="company_id")) if method not in (OWN, CHANCE) else {})


def _against(rows: pl.DataFrame) -> dict[str, Any]:
    """Return for how many companies `sae` is right more often, and less often, and McNemar's p; nothing without sae."""
    if rows.is_empty():
        return {}
    better, worse = int((rows["own"] > rows["same"]).sum()), int((rows["own"] < rows["same"]).sum())
    p = float(mcnemar([[0, better], [worse, 0]], exact=True).pvalue) if better + worse else 1.0
    return {"sae_better": better, "sae_worse": worse, "p_value": p}
