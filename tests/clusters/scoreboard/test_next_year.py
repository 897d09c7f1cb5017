"""What peers tell of next fiscal year: the R2 of a direct regression, nothing before the year is over, chance at 0."""

from datetime import date

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from assets.clusters.scoreboard.next_year import next_year, outcome_r2
from assets.clusters.scoreboard.peers import draw_peers

AS_OF = date(2004, 12, 31)


def figures(rows: list[tuple[str, date, float | None, float | None, float | None]]) -> pl.DataFrame:
    columns = ["company_id", "fiscal_year_end", "operating_income", "assets", "sales"]
    kinds = [pl.String, pl.Date, *[pl.Float64] * 3]
    return pl.DataFrame(rows, schema=dict(zip(columns, kinds, strict=True)), orient="row")


def test_outcomes_are_of_the_fiscal_year_that_ends_within_twelve_months_after_the_date() -> None:
    table = figures(
        [
            ("a", date(2004, 6, 30), 1.0, 10.0, 100.0),
            ("a", date(2005, 6, 30), 2.0, 10.0, 110.0),
            ("a", date(2006, 6, 30), 9.0, 10.0, 900.0),
            ("b", date(2004, 12, 31), 1.0, 10.0, 50.0),
            ("b", date(2005, 12, 31), -3.0, 10.0, 25.0),
            ("c", date(2005, 12, 31), 4.0, None, 25.0),  # no assets, and no year before
            ("d", date(2004, 12, 31), 4.0, 8.0, 25.0),  # gone after the date
        ]
    )
    found = next_year(table, ["a", "b", "c", "d", "e"], AS_OF)
    wide = {name: np.round(values, 3).tolist() for name, values in found.items()}
    assert wide["operating_income"][:2] == pytest.approx([0.2, -0.3], abs=0.006)  # the tails are cut by a hundredth
    assert wide["sales_growth"][:2] == pytest.approx(np.log([1.1, 0.5]), abs=0.01)
    assert np.isnan(found["operating_income"][2:]).all() and np.isnan(found["sales_growth"][2:]).all()


def test_a_year_of_52_or_53_weeks_that_ends_days_after_the_twelve_months_is_the_next_one() -> None:
    table = figures(
        [
            ("a", date(2004, 12, 27), 1.0, 10.0, 100.0),
            ("a", date(2006, 1, 2), 2.0, 10.0, 110.0),
            ("late", date(2006, 6, 30), 2.0, 10.0, 110.0),
        ]
    )
    found = next_year(table, ["a", "late"], AS_OF)
    assert found["operating_income"][0] == pytest.approx(0.2)
    assert found["sales_growth"][0] == pytest.approx(np.log(1.1))
    assert np.isnan(found["operating_income"][1])


def test_nothing_is_scored_before_late_filers_have_told_their_year() -> None:
    told = [(c, date(year, 12, 31), 1.0, 10.0, 100.0) for c in "ab" for year in (2004, 2005)]
    assert next_year(figures(told), ["a", "b"], AS_OF) == {}
    assert next_year(figures([*told, ("a", date(2006, 3, 31), 1.0, 10.0, 100.0)]), ["a", "b"], AS_OF) == {}
    assert next_year(figures([*told, ("a", date(2006, 4, 30), 1.0, 10.0, 100.0)]), ["a", "b"], AS_OF) != {}


def test_nothing_is_scored_before_the_year_is_over_or_without_figures() -> None:
    early = figures([("a", date(2005, 6, 30), 2.0, 10.0, 110.0)])
    assert next_year(early, ["a"], AS_OF) == {} == next_year(early.clear(), ["a"], AS_OF)


def test_r2_is_that_of_the_regression_on_the_mean_of_the_peers() -> None:
    random = np.random.default_rng(0)
    near, y = random.random((40, 40)), random.normal(size=40)
    y[:3] = np.nan
    peers = draw_peers(near, 5)
    means = np.array([np.nanmean(y[row]) for row in peers[0]])
    counts = random.poisson(1.0, size=(1, 40)).astype(float)
    value, drawn = outcome_r2(y, peers, counts)
    known = np.isfinite(y)
    assert value == pytest.approx(sm.OLS(y[known], sm.add_constant(means[known])).fit().rsquared_adj)
    often = np.repeat(np.flatnonzero(known), counts[0, known].astype(int))
    assert drawn[0] == pytest.approx(sm.OLS(y[often], sm.add_constant(means[often])).fit().rsquared_adj)


def test_planted_groups_are_told_and_random_peers_tell_nothing() -> None:
    random, found = np.random.default_rng(1), []
    for _ in range(60):
        groups = np.arange(120) // 12
        y = random.normal(size=10)[groups] + random.normal(size=120)
        same = (groups[:, None] == groups).astype(float)
        found.append([outcome_r2(y, draw_peers(near, 5), np.ones((1, 120)))[0] for near in (same, np.zeros_like(same))])
    told, chance = np.array(found).T
    assert told.mean() > 0.2
    assert abs(chance.mean()) < 2 * chance.std(ddof=1) / np.sqrt(len(chance)) + 0.005


def test_too_few_companies_have_no_score() -> None:
    peers, weights = draw_peers(np.ones((8, 8)), 5), np.ones((3, 8))
    value, draws = outcome_r2(np.array([1.0, 2, 3, 4, 5, 6, np.nan, np.nan]), peers, weights)
    assert np.isnan(value) and np.isnan(draws).all()
