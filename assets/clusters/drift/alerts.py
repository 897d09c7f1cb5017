"""What somebody should look at after a refresh: many companies moved, or the peers of a watched company changed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

MOVED, WATCHED = "groups_moved", "watched_peers"
NAMED = 5
"""Companies that a sentence names of those that came, and of those that went."""
ENDS = (("before", "cluster_before"), ("as_of", "cluster"))
"""Columns with the date and the group, before and now."""
Row = dict[str, Any]
Check = tuple[str, bool, str]
CHECKS = ("few_companies_move", "watched_peers_stay", "watched_companies_are_known")


@dataclass(frozen=True)
class Watched:
    """The watched companies that are known, by company_id, each as the settings call it; and the names nobody has."""

    companies: Mapping[str, str]
    unknown: Sequence[str]


def watched_companies(names: Sequence[str], bearers: Mapping[str, str], ids: Collection[str]) -> Watched:
    """Return whom the settings watch: a name is a company_id, else a ticker in any case.

    Parameters
    ----------
    names : sequence of str
        As the settings give them.
    bearers : mapping
        Ticker in capitals -> its newest bearer.
    ids : collection of str
        Every company_id.
    """
    found = {name: name if name in ids else bearers.get(name.upper()) for name in names}
    return Watched({i: name for name, i in found.items() if i}, [name for name, i in found.items() if not i])


def moved_alerts(drift: pl.DataFrame, most: float) -> Iterator[Row]:
    """Yield an alert for every method and date at which more than a share of the companies at both dates moved.

    Parameters
    ----------
    drift : DataFrame
        Rows of `cluster_drift`.
    most : float
        The share that may move without an alert.
    """
    both = drift.filter(pl.col("change").is_in(["stayed", "moved"])).group_by("method", "before", "as_of")
    moved = pl.col("change") == "moved"
    # Where hardly any has another filing it is the cut that moved, and not the companies.
    refiled = moved & (pl.col("accession_before") != pl.col("accession"))
    counted = both.agg(moved=moved.sum(), refiled=refiled.sum(), companies=pl.len())
    for row in counted.sort("as_of", "method").to_dicts():
        share = row["moved"] / row["companies"]
        if share > most:
            text = f"{row['method']}: {row['moved']} of {row['companies']} companies ({share:.0%}) moved"
            yield {
                "as_of": row["as_of"],
                "kind": MOVED,
                "company_id": None,
                "method": row["method"],
                "value": share,
                "threshold": most,
                "text": f"{text} since {row['before']:%Y-%m}, {row['refiled']} of them with another filing",
            }


def watched_alerts(
    clusters: pl.DataFrame, drift: pl.DataFrame, watched: Mapping[str, str], called: Mapping[str, str]
) -> Iterator[Row]:
    """Yield an alert for every method and date at which the group of a watched company has other members than before.

    One that is new at a date has no peers that could change; of one that is gone all do, where it had any.

    Parameters
    ----------
    clusters, drift : DataFrame
        Rows of `peer_clusters` and `cluster_drift`.
    watched : mapping
        company_id -> how the settings call it.
    called : mapping
        company_id -> ticker, of those that have one.
    """
    rows = drift.filter(pl.col("company_id").is_in(list(watched)) & (pl.col("change") != "new"))
    members = _members(clusters, rows)
    for row in rows.sort("as_of", "company_id", "method").to_dicts():
        own, method = row["company_id"], row["method"]
        was, now = (members.get((method, row[day], row[group]), set()) - {own} for day, group in ENDS)
        if was != now:
            changes = [("left", was - now), ("joined", now - was)]
            said = "; ".join(f"{word} {_named(ids, called)}" for word, ids in changes if ids)
            gone = ", which is in no group any more" if row["change"] == "gone" else ""
            yield {
                "as_of": row["as_of"],
                "kind": WATCHED,
                "company_id": own,
                "method": method,
                "value": len(was ^ now) / len(was | now),
                "threshold": 0.0,
                "text": f"{method}: peers of {watched[own]}{gone}: {said}, since {row['before']:%Y-%m}",
            }


def _members(clusters: pl.DataFrame, drift: pl.DataFrame) -> dict[tuple[Any, ...], set[str]]:
    """Return (method, date, cluster) -> its companies, of the groups that rows of `cluster_drift` name."""
    key = ["method", "as_of", "cluster"]
    asked = pl.concat(
        drift.select("method", pl.col(day).alias("as_of"), pl.col(group).alias("cluster")) for day, group in ENDS
    )
    held = clusters.join(asked.unique(), on=key, how="semi").group_by(key).agg("company_id")
    return {
        (method, as_of, cluster): set(ids) for method, as_of, cluster, ids in held.select(*key, "company_id").rows()
    }


def _named(ids: Collection[str], called: Mapping[str, str]) -> str:
    names = sorted(called.get(i, i) for i in ids)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def alert_checks(alerts: pl.DataFrame, unknown: Sequence[str]) -> list[Check]:
    """Return name, whether it holds, and a sentence: whether the newest date has an alert, and whom nobody knows.

    Older alerts stay rows of `alerts` and fail no check: a check that fails for good is not looked at.

    Parameters
    ----------
    alerts : DataFrame
        Rows of `alerts` of the newest date.
    unknown : sequence of str
        Watched names that are no company's.
    """
    checks = []
    for name, kind in zip(CHECKS, (MOVED, WATCHED), strict=False):
        texts = alerts.filter(kind=kind)["text"].to_list()
        checks.append((name, not texts, " | ".join(texts) or "nothing at the newest date"))
    listed = ", ".join(map(repr, unknown))
    said = f"clusters.watched: nobody has the ticker or company_id {listed}; `peerlens sql 'from tickers'` lists them"
    return [*checks, (CHECKS[-1], not unknown, said if unknown else "all are")]
