"""An alert is where many move or a watched company's peers change, and nowhere else."""

from datetime import date

import polars as pl
import pytest

from assets import schemas
from assets.clusters.drift.alerts import CHECKS, alert_checks
from assets.clusters.drift.tables import Alerts, alerts_of, drift_tables
from resources.settings.clusters import Clusters

DATES = [date(2009, 12, 31), date(2010, 12, 31), date(2011, 12, 31)]
TICKERS = pl.DataFrame(
    [
        ("KO", "0000000001", None, None),
        ("PEP", "0000000002", None, None),
        ("XOM", "0000000003", None, None),
        ("OLD", "0000000004", None, date(2008, 1, 1)),
        ("OLD", "0000000003", None, date(2001, 1, 1)),
    ],
    schema={"ticker": pl.String, "company_id": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
    orient="row",
)


def alerts(*groupings: dict[int, int], **settings: object) -> Alerts:
    """Return the alerts of groupings at one date after the other: number of a company -> its group."""
    rows = [
        ("sae", as_of, f"{company:010}", cluster)
        for as_of, groups in zip(DATES, groupings, strict=False)
        for company, cluster in groups.items()
    ]
    schema = {name: schemas.PEER_CLUSTERS.empty().schema[name] for name in ("method", "as_of", "company_id", "cluster")}
    clusters = pl.DataFrame(rows, schema=schema, orient="row")
    filings = clusters.select("as_of", "company_id", accession="company_id")
    said = dict.fromkeys(
        DATES,
        pl.DataFrame(
            schema={
                "company_id": pl.String,
                "label": pl.String,
                "weight": pl.Float64,
                "shown": pl.Boolean,
                "title": pl.String,
            }
        ),
    )
    return alerts_of(clusters, drift_tables(clusters, filings, said).companies, TICKERS, Clusters(**settings))


TOGETHER = {1: 0, 2: 0, 3: 0, 4: 0}
ONE_LEFT = TOGETHER | {4: 1}


def test_more_than_the_share_of_companies_that_moved_is_an_alert() -> None:
    found = alerts(TOGETHER, ONE_LEFT, alert_moved_share=0.24)
    assert found.rows.to_dicts() == [
        {
            "as_of": DATES[1],
            "kind": "groups_moved",
            "company_id": None,
            "method": "sae",
            "value": 0.25,
            "threshold": 0.24,
            "text": "sae: 1 of 4 companies (25%) moved since 2009-12, 0 of them with another filing",
        }
    ]
    assert alerts(TOGETHER, ONE_LEFT, alert_moved_share=0.25).rows.is_empty()


def test_who_comes_or_goes_has_not_moved() -> None:
    assert alerts(TOGETHER, {1: 0, 2: 0, 7: 1, 8: 1}, alert_moved_share=0.0).rows.is_empty()


@pytest.mark.parametrize("name", ["KO", "ko", "0000000001"])
def test_a_watched_company_s_peers_that_left_and_joined_are_named(name: str) -> None:
    found = alerts({1: 0, 2: 0, 3: 1, 9: 1}, {1: 0, 2: 1, 3: 0, 9: 1}, alert_moved_share=1.0, watched=[name])
    (row,) = found.rows.to_dicts()
    assert (row["kind"], row["company_id"], row["value"]) == ("watched_peers", "0000000001", 1.0)
    assert row["text"] == f"sae: peers of {name}: left PEP; joined XOM, since 2009-12"


def test_a_watched_company_whose_peers_stay_is_no_alert_though_others_move() -> None:
    found = alerts({1: 0, 2: 0, 3: 1, 4: 1}, {1: 5, 2: 5, 3: 1, 4: 2}, alert_moved_share=1.0, watched=["KO"])
    assert found.rows.is_empty()


def test_a_watched_company_that_is_gone_has_lost_its_peers_and_one_that_is_new_none() -> None:
    found = alerts(TOGETHER, {2: 0, 3: 0, 4: 0}, TOGETHER, alert_moved_share=1.0, watched=["KO"])
    (row,) = found.rows.to_dicts()
    assert (row["as_of"], row["value"]) == (DATES[1], 1.0)
    assert "KO, which is in no group any more: left OLD, PEP, XOM, since" in row["text"]


def test_a_long_list_of_peers_is_cut_and_counted() -> None:
    crowd = dict.fromkeys(range(10, 18), 0)
    (row,) = alerts({1: 0} | crowd, {1: 1} | crowd, alert_moved_share=1.0, watched=["KO"]).rows.to_dicts()
    assert row["text"].count("00000000") == 5 and " and 3 more" in row["text"]


def test_the_newest_bearer_of_a_ticker_is_watched() -> None:
    found = alerts(TOGETHER, ONE_LEFT, alert_moved_share=1.0, watched=["OLD"])
    assert found.rows["company_id"].to_list() == ["0000000004"]


def test_names_that_nobody_has_are_named_by_a_check() -> None:
    found = alerts(TOGETHER, watched=["KO", "KOO", "0000000099"])
    assert found.unknown == ["KOO", "0000000099"]
    name, passed, message = alert_checks(found.newest, found.unknown)[-1]
    assert (name, passed) == ("watched_companies_are_known", False)
    assert "clusters.watched: nobody has the ticker or company_id 'KOO', '0000000099'" in message


def test_checks_are_about_the_newest_date_and_older_alerts_stay_rows() -> None:
    still = alerts(TOGETHER, ONE_LEFT, ONE_LEFT, alert_moved_share=0.1, watched=["KO"])
    assert still.rows["kind"].to_list() == ["groups_moved", "watched_peers"]
    assert [passed for _, passed, _ in alert_checks(still.newest, still.unknown)] == [True, True, True]
    fresh = alerts(TOGETHER, TOGETHER, ONE_LEFT, alert_moved_share=0.1, watched=["KO"])
    checks = alert_checks(fresh.newest, fresh.unknown)
    assert [(name, passed) for name, passed, _ in checks] == list(zip(CHECKS, [False, False, True], strict=True))
    assert "1 of 4 companies" in checks[0][2] and "left OLD" in checks[1][2]


def test_one_date_or_none_has_no_alert() -> None:
    assert alerts(TOGETHER, alert_moved_share=0.0, watched=["KO"]).rows.is_empty()
    assert alerts(alert_moved_share=0.0).rows.is_empty()
