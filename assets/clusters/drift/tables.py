"""Rows of `cluster_drift`, `group_drift` and `alerts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from assets import schemas
from assets.clusters.drift.alerts import Watched, moved_alerts, watched_alerts, watched_companies
from assets.clusters.drift.changes import drifts
from assets.clusters.drift.themes import theme_changes
from assets.newest_tickers import newest_bearers, newest_tickers
from resources.settings.clusters import Clusters

TOP_THEMES = 5
DATES = ["before", "as_of", "company_id"]


@dataclass(frozen=True)
class DriftTables:
    """Rows of `cluster_drift` and `group_drift`."""

    companies: pl.DataFrame
    groups: pl.DataFrame


def drift_tables(clusters: pl.DataFrame, filings: pl.DataFrame, said: Mapping[date, pl.DataFrame]) -> DriftTables:
    """Return what changed between every two dates that follow each other, by every method, with filings and themes.

    Parameters
    ----------
    clusters, filings : DataFrame
        Rows of `peer_clusters` and of `sic_groups`, which names the filing that describes a company at a date.
    said : mapping
        As-of date -> rows of `said_themes`.
    """
    themes = theme_changes(filings, said, TOP_THEMES)
    companies, groups = [schemas.CLUSTER_DRIFT.empty()], [schemas.GROUP_DRIFT.empty()]
    for drift in drifts(clusters):
        companies.append(drift.companies.join(themes, on=DATES, how="left").select(companies[0].columns))
        groups.append(drift.groups.select(groups[0].columns))
    return DriftTables(pl.concat(companies), pl.concat(groups))


@dataclass(frozen=True)
class Alerts:
    """Rows of `alerts`, those of the newest date, and the watched names that are no company's."""

    rows: pl.DataFrame
    newest: pl.DataFrame
    unknown: list[str]


def alerts_of(clusters: pl.DataFrame, drift: pl.DataFrame, tickers: pl.DataFrame, settings: Clusters) -> Alerts:
    """Return what is an alert by the settings.

    Parameters
    ----------
    clusters, drift, tickers : DataFrame
        Rows of `peer_clusters`, `cluster_drift` and `tickers`.
    settings : Clusters
        `alert_moved_share` and `watched` of it.
    """
    ids = {*clusters["company_id"], *tickers["company_id"]}
    watched: Watched = watched_companies(settings.watched, newest_bearers(tickers), ids)
    called = dict(newest_tickers(tickers).iter_rows())
    moved = moved_alerts(drift, settings.alert_moved_share)
    rows = schemas.ALERTS.frame([*moved, *watched_alerts(clusters, drift, watched.companies, called)])
    newest = clusters.select(pl.col("as_of").max())
    return Alerts(rows, rows.join(newest, on="as_of", how="semi"), list(watched.unknown))
