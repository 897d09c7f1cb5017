"""Stack adds up what texts, codes and past returns foretell; every pair has a similarity, and its parts are it."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression

from assets import schemas
from assets.clusters.assets import peer_stack
from assets.clusters.intervals import firm_weights
from assets.clusters.peer_methods.nearness import Evidence
from assets.clusters.peer_methods.stack import stack
from assets.clusters.scoreboard.pair_scores import market_adjusted
from assets.clusters.scores import correlations
from assets.clusters.stacking.path_figure import path_figure
from assets.clusters.stacking.rows import coefficient_rows, part_rows, path_rows
from assets.clusters.stacking.stacked import PARTS, stacked
from assets.clusters.stacking.terms import KNOWN, fitted_months, market_rest, terms
from resources.lake.recipe import DateWindow
from resources.settings.profile import Profile
from tests.clusters.stacking.planted import COMPANIES, INDUSTRIES, planted

AS_OF = date(2010, 12, 31)


def test_stack_is_the_regression_of_the_last_30_months_on_terms_and_the_30_before() -> None:
    """Written out pair by pair, with scikit-learn in place of sums over pairs."""
    evidence = planted()
    found, (one, other) = terms(evidence), np.triu_indices(COMPANIES, 1)
    past, before, later = (
        correlations(market_adjusted(months))
        for months in (evidence.history, evidence.history[:30], evidence.history[30:])
    )
    known = [term[one, other] for term in found.known]
    model = LinearRegression(positive=True).fit(np.array([*known, before[one, other]]).T, later[one, other])
    expected = model.predict(np.array([*known, past[one, other]]).T)
    near = stack(evidence).similarity
    np.testing.assert_allclose(near[one, other], expected, atol=1e-9)
    np.testing.assert_allclose(near, near.T, atol=1e-12)


def test_terms_are_cosines_of_the_views_and_of_words_and_equal_codes() -> None:
    evidence = planted()
    found = dict(zip(KNOWN, terms(evidence).known, strict=True))
    same = np.arange(COMPANIES) % INDUSTRIES == np.arange(COMPANIES)[:, None] % INDUSTRIES
    np.testing.assert_allclose(found["passages"], np.where(same, 1.0, 0.36), atol=1e-12)
    assert np.unique(found["tokens"]).tolist() == [0.0, 1.0]
    for level in ("sic4", "sic3", "major_group"):
        assert (found[level] == same).all()
    np.testing.assert_allclose(found["words"], evidence.words)


def test_companies_of_one_industry_are_nearest_and_all_are_placed() -> None:
    found = stack(planted())
    near = found.similarity.copy()
    np.fill_diagonal(near, -np.inf)
    assert (near.argmax(axis=1) % INDUSTRIES == np.arange(COMPANIES) % INDUSTRIES).all()
    assert found.placed.all() and found.groups is None and np.isfinite(found.similarity).all()


def test_no_weight_is_negative_and_each_has_an_interval() -> None:
    evidence = planted()
    found = stacked(terms(evidence), firm_weights(evidence.known.ids, 0))
    rows = schemas.STACK_COEFFICIENTS.frame({"as_of": AS_OF, **row} for row in coefficient_rows(found))
    schemas.STACK_COEFFICIENTS.validate(rows)
    assert len(rows) == 2 * len(PARTS) - 1 and rows["is_fitted"].all()
    worth = rows.filter(pl.col("term") != "any_pair")
    assert (worth["coefficient"] >= 0).all() and (worth["low"] >= 0).all()
    assert (rows["low"] <= rows["high"]).all() and (worth["high"] > 0).sum() > 3
    assert set(rows["pairs"]) == {COMPANIES * (COMPANIES - 1) // 2} and set(rows["companies"]) == {COMPANIES}


@pytest.mark.parametrize("without", [0, 5])
def test_the_parts_of_the_nearest_add_up_to_the_similarity(without: int) -> None:
    evidence = planted(without_history=without)
    found = stacked(terms(evidence))
    rows = part_rows(found, evidence.known.ids, 4)
    assert rows.height == COMPANIES * 4 * len(PARTS)
    sums = rows.group_by("company_id", "neighbour_id", "similarity").agg(pl.col("value").sum())
    assert (sums["value"] - sums["similarity"]).abs().max() < 1e-12
    near = found.similarity()
    for company, neighbour, similarity in sums.select("company_id", "neighbour_id", "similarity").iter_rows():
        assert similarity == near[int(company), int(neighbour)]
    schemas.STACK_PARTS.validate(rows.with_columns(as_of=pl.lit(AS_OF)).select(schemas.STACK_PARTS.empty().columns))


def test_whoever_has_no_history_is_stacked_without_it_and_its_rows_say_so() -> None:
    evidence = planted(without_history=5)
    found = stacked(terms(evidence))
    new = np.arange(COMPANIES) >= COMPANIES - 5
    assert (found.has_history == ~(new | new[:, None])).all()
    rows = part_rows(found, evidence.known.ids, 4)
    is_new = pl.col("company_id").cast(pl.Int32) >= COMPANIES - 5
    near_new = pl.col("neighbour_id").cast(pl.Int32) >= COMPANIES - 5
    assert rows.select((pl.col("with_history") == ~(is_new | near_new)).all()).item()
    past = rows.filter(part="past")
    assert (past.filter(~pl.col("with_history"))["value"] == 0).all()
    assert past.filter("with_history")["value"].abs().min() > 0
    # The fit of these pairs is over the same pairs, without the term.
    one, other = np.triu_indices(COMPANIES - 5, 1)
    rows_of = np.array([term[one, other] for term in found.terms.known]).T
    model = LinearRegression(positive=True).fit(rows_of, found.terms.later[one, other])
    last = np.array([term[0, -1] for term in found.terms.known])
    assert found.similarity()[0, -1] == pytest.approx(model.predict(last[None])[0], abs=1e-9)
    assert np.isfinite(found.similarity()).all() and found.placed().all()


def test_returns_before_the_last_60_months_change_nothing() -> None:
    evidence = planted()
    longer = np.vstack([np.random.default_rng(0).normal(size=(7, COMPANIES)), evidence.history])
    assert (stack(Evidence(evidence.known, longer)).similarity == stack(evidence).similarity).all()


def test_no_month_after_the_date_is_read() -> None:
    profile = Profile(name="planted")
    window = peer_stack.reads["monthly_returns"](profile, "2010-12")
    assert isinstance(window, DateWindow) and window.until == AS_OF


@pytest.mark.parametrize(
    ("months", "with_history", "without"),
    [(60, True, True), (48, True, True), (47, False, True), (24, False, True), (23, False, False), (0, False, False)],
)
def test_fewer_months_fit_what_they_can(months: int, with_history: bool, without: bool) -> None:
    found = stacked(terms(planted(months=months)))
    assert (found.with_history.is_fitted, found.without_history.is_fitted) == (with_history, without)
    near = found.similarity()
    assert np.isfinite(near).all()
    if without and not with_history:
        assert not found.has_history.any()
    if not without:
        np.testing.assert_allclose(near, np.mean(found.terms.known, axis=0))


def test_half_of_the_months_are_foretold_and_as_many_as_a_correlation_needs() -> None:
    assert [fitted_months(months) for months in (60, 48, 40, 20, 0)] == [30, 24, 24, 20, 0]


@pytest.mark.parametrize("companies", [0, 1, 2])
def test_a_handful_of_companies_gets_the_plain_mean(companies: int) -> None:
    evidence = planted(companies)
    found = stacked(terms(evidence), firm_weights(evidence.known.ids, 0))
    assert not found.with_history.is_fitted and found.similarity().shape == (companies, companies)
    rows = part_rows(found, evidence.known.ids, 5)
    assert rows.height == companies * max(companies - 1, 0) * len(PARTS)
    schemas.STACK_PARTS.validate(rows.with_columns(as_of=pl.lit(AS_OF)).select(schemas.STACK_PARTS.empty().columns))
    coefficients = list(coefficient_rows(found))
    assert {row["low"] for row in coefficients} == {None} and not any(row["is_fitted"] for row in coefficients)
    assert sum(row["coefficient"] for row in coefficients if row["with_history"]) == pytest.approx(1)


def test_companies_that_are_all_alike_are_all_as_near() -> None:
    found = stacked(terms(planted(alike=True)))
    near = found.similarity()[np.triu_indices(COMPANIES, 1)]
    assert not found.with_history.is_fitted and np.ptp(near) < 1e-12


def test_a_view_that_nobody_has_weighs_nothing() -> None:
    evidence = planted()
    themes = evidence.known.vectors.filter(view="passages")
    found = stacked(terms(Evidence(replace(evidence.known, vectors=themes), evidence.history)))
    assert found.with_history.coefficients[KNOWN.index("tokens")] == 0 and found.with_history.is_fitted


def test_what_the_market_leaves_is_that_of_the_scores_and_gaps_are_left_out() -> None:
    returns = planted().history
    np.testing.assert_allclose(market_rest(returns), market_adjusted(returns), atol=1e-15)
    gaps = returns.copy()
    gaps[10:20, 0] = np.nan
    months, market = np.isfinite(gaps[:, 0]), np.nanmean(gaps, axis=1)
    slope, level = np.polyfit(market[months], gaps[months, 0], 1)
    np.testing.assert_allclose(
        market_rest(gaps)[months, 0], gaps[months, 0] - slope * market[months] - level, atol=1e-12
    )
    assert np.isnan(market_rest(gaps)[~months, 0]).all()
    assert not market_rest(np.tile(returns[:, :1], 3)).any()


def test_the_path_has_the_mean_of_every_term_over_the_fitted_dates_and_a_picture() -> None:
    evidence = planted()
    rows = list(coefficient_rows(stacked(terms(evidence), firm_weights(evidence.known.ids, 0))))
    twice = [{"as_of": AS_OF, **row} for row in rows]
    twice += [{"as_of": date(2011, 12, 31), **row, "coefficient": row["coefficient"] + 1} for row in rows]
    twice += [{"as_of": date(2012, 12, 31), **row, "is_fitted": False, "low": None, "high": None} for row in rows]
    coefficients = schemas.STACK_COEFFICIENTS.frame(twice)
    path = schemas.STACK_PATH.frame(path_rows(coefficients))
    schemas.STACK_PATH.validate(path)
    for row in rows:
        (found,) = path.filter(with_history=row["with_history"], term=row["term"]).iter_rows(named=True)
        assert found["coefficient"] == pytest.approx(row["coefficient"] + 0.5) and found["dates"] == 2
        assert found["dates_above_0"] == 2 * (row["low"] > 0)
        assert found["largest"] - found["smallest"] == pytest.approx(1)
    lines = [[line.get_label() for line in axes.lines[:-1]] for axes in path_figure(coefficients).axes]
    assert lines == [list(PARTS[1:]), list(PARTS[1:-1])]
    empty = path_figure(schemas.STACK_COEFFICIENTS.empty())
    assert {text.get_text() for axes in empty.axes for text in axes.texts} == {"nothing was fitted"}
