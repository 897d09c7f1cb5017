"""The scoreboard over dates: means, intervals, and differences that are paired by month."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.stats import t as student

from assets import schemas
from assets.clusters.intervals import firm_weights
from assets.clusters.scoreboard.curve_figure import curve_figure
from assets.clusters.scoreboard.pair_scores import resampled_means
from assets.clusters.scoreboard.pooled import difference_rows, interval_rows, r2_rows, score_difference_rows
from assets.partitions import months_later

DATES = [months_later("2000-12", 12 * number) for number in range(8)]


def scores(values: Sequence[float | None], name: str = "same_number", method: str = "sae") -> pl.DataFrame:
    return schemas.PEER_SCORES.frame(
        {
            "method": method,
            "as_of": day,
            "horizon_months": 12,
            "score": name,
            "share": None,
            "value": value,
            "companies": 5,
        }
        for day, value in zip(DATES, values, strict=False)
    )


def draws(of: pl.DataFrame, drawn: np.ndarray) -> pl.DataFrame:
    keys = of.select("method", "as_of", "horizon_months", "score").to_dicts()
    return schemas.PEER_SCORE_DRAWS.frame(
        {**key, "draws": column.tolist()} for key, column in zip(keys, drawn.T, strict=True)
    )


def monthly(first: dict[date, list[float | None]], method: str = "sae") -> pl.DataFrame:
    """Return rows of `monthly_r2`: per as-of date the R2 of the months after it."""
    return schemas.MONTHLY_R2.frame(
        {
            "method": method,
            "as_of": day,
            "horizon_months": 36,
            "peers": 5,
            "month": months_later(day.strftime("%Y-%m"), number),
            "r2": value,
        }
        for day, values in first.items()
        for number, value in enumerate(values, start=1)
    )


def test_without_variance_over_companies_the_interval_is_student_s_over_dates() -> None:
    values = np.random.default_rng(0).normal(size=8)
    of = scores(values.tolist())
    (row,) = interval_rows(of, draws(of, np.ones((200, 8))))
    half = student.ppf(0.975, 7) * values.std(ddof=1) / np.sqrt(8)
    assert (row["value"], row["low"], row["high"]) == pytest.approx(
        (values.mean(), values.mean() - half, values.mean() + half)
    )
    assert (row["dates"], row["blocks"]) == (8, 8)


def test_companies_that_bring_the_same_to_every_date_widen_the_interval() -> None:
    of = scores([0.1] * 8)
    common = np.repeat(np.random.default_rng(1).normal(size=(200, 1)), 8, axis=1)
    (row,) = interval_rows(of, draws(of, common))
    assert (row["high"] - row["low"]) / 2 == pytest.approx(student.ppf(0.975, 7) * common[:, 0].std(ddof=1), rel=1e-4)


def test_a_date_without_the_score_is_in_no_mean_and_one_date_has_no_interval() -> None:
    of = scores([0.2, None, None])
    (row,) = interval_rows(of, draws(of, np.ones((200, 3))))
    assert (row["value"], row["dates"], row["low"], row["high"]) == (0.2, 1, None, None)
    assert list(interval_rows(scores([None]), schemas.PEER_SCORE_DRAWS.empty())) == []


def test_a_score_without_draws_has_no_interval() -> None:
    (row,) = interval_rows(scores([0.1, 0.3] * 4, "coverage"), schemas.PEER_SCORE_DRAWS.empty())
    assert (row["value"], row["blocks"], row["low"], row["high"]) == (pytest.approx(0.2), 8, None, None)


def test_a_month_in_two_horizons_counts_once() -> None:
    table = monthly({date(2000, 12, 31): [0.1, 0.3], date(2001, 1, 31): [0.5, 0.9]})
    (row,) = r2_rows(table)
    assert row["value"] == pytest.approx((0.1 + (0.3 + 0.5) / 2 + 0.9) / 3)
    assert (row["score"], row["dates"], row["blocks"]) == ("r2_5", 2, 3)


def test_differences_are_paired_by_month_and_mirror_each_other() -> None:
    day = date(2000, 12, 31)
    both = [monthly({day: [0.1, 0.3, None, 0.5]}), monthly({day: [0.2, 0.1, 0.4, 0.1]}, "tfidf")]
    rows = {(row["method"], row["other"]): row for row in difference_rows(pl.concat(both))}
    one, other = rows["sae", "tfidf"], rows["tfidf", "sae"]
    assert one["difference"] == -other["difference"] == pytest.approx((-0.1 + 0.2 + 0.4) / 3)
    assert one["months"] == 3
    assert one["error"] == pytest.approx(other["error"])


def hedges(values: Sequence[float], drawn: np.ndarray, method: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    of = scores(values, "hedge_median", method)
    return of, draws(of, drawn)


def test_scores_are_compared_in_the_same_samples_and_what_both_share_cancels() -> None:
    random = np.random.default_rng(2)
    shared, own = random.normal(size=(200, 1)) + np.zeros((200, 8)), 0.01 * random.normal(size=(200, 1))
    first, second = hedges([0.3] * 8, shared + own, "sae"), hedges([0.1] * 8, shared, "tfidf")
    both = [pl.concat(pair) for pair in zip(first, second, strict=True)]
    rows = {(row["method"], row["other"]): row for row in score_difference_rows(*both)}
    one, other = rows["sae", "tfidf"], rows["tfidf", "sae"]
    assert one["difference"] == -other["difference"] == pytest.approx(0.2)
    assert (one["low"], one["high"]) == pytest.approx((-other["high"], -other["low"]))
    assert (one["high"] - one["low"]) / 2 == pytest.approx(student.ppf(0.975, 7) * own.std(ddof=1), rel=1e-3)
    low, high = np.quantile(own, [0.025, 0.975])
    assert (one["low_firms"], one["high_firms"]) == pytest.approx((low, high), abs=1e-6)
    assert len(rows) == 2 and (one["dates"], one["blocks"], one["score"]) == (8, 8, "hedge_median")


def test_only_dates_that_both_have_are_compared_and_one_has_an_interval_over_companies_alone() -> None:
    drawn = np.random.default_rng(3).normal(size=(200, 3))
    first, second = hedges([0.3, 0.5, 0.4], drawn, "sae"), hedges([0.1], drawn[:, 1:2], "tfidf")
    both = [pl.concat(pair) for pair in zip(first, second, strict=True)]
    row = next(row for row in score_difference_rows(*both) if row["method"] == "sae")
    assert (row["difference"], row["dates"], row["low"], row["high"]) == (pytest.approx(0.2), 1, None, None)
    assert row["low_firms"] < 0 < row["high_firms"]
    assert list(score_difference_rows(scores([0.1]), draws(scores([0.1]), drawn[:, :1]))) == []


def test_the_interval_of_a_difference_over_companies_covers_it() -> None:
    """Means of two figures of 80 companies that have much in common, at one date in 150 worlds."""
    weights, inside = firm_weights([str(i) for i in range(80)], 0), 0
    for seed in range(150):
        random = np.random.default_rng(seed)
        common = 3 * random.normal(size=80)
        worlds = {"sae": common + 0.2 + random.normal(size=80), "tfidf": common + random.normal(size=80)}
        made = [
            hedges([float(values.mean())], resampled_means(values, weights)[:, None], method)
            for method, values in worlds.items()
        ]
        row = next(iter(score_difference_rows(*(pl.concat(pair) for pair in zip(*made, strict=True)))))
        inside += row["low_firms"] <= 0.2 <= row["high_firms"]
    assert 0.89 <= inside / 150 <= 0.99


def test_no_date_has_no_rows_and_a_picture_that_says_so() -> None:
    nothing = schemas.MONTHLY_R2.empty()
    assert list(r2_rows(nothing)) == list(difference_rows(nothing)) == []
    assert list(interval_rows(schemas.PEER_SCORES.empty(), schemas.PEER_SCORE_DRAWS.empty())) == []
    (panel,) = curve_figure(schemas.PEER_INTERVALS.empty()).axes
    assert panel.texts[0].get_text() == "no horizon is over"


def test_the_picture_has_a_line_for_what_compares_and_a_point_for_what_classifies() -> None:
    def row(method: str, score: str, share: float, value: float, months: int = 12) -> dict[str, object]:
        known = {"dates": 3, "blocks": 3, "low": value - 0.1, "high": value + 0.1}
        return {"method": method, "horizon_months": months, "score": score, "share": share, "value": value, **known}

    rows = [row(m, f"pairs_{s}", s, v) for m, v in (("tfidf", 0.3), ("random", 0.0)) for s in (0.001, 0.01, 0.1)]
    rows += [row("sic4", "groups", 0.013, 0.25), row("sic4", "pairs_0.01", 0.01, 0.26), row("sae", "same_number", 0, 1)]
    rows += [row("tfidf", "pairs_0.01_raw", 0.01, 0.9), row("tfidf", "pairs_0.01", 0.01, 0.2, 36)]
    rows += [row("sector", "coverage", 0, 0.0), row("sector", "pairs_0.01", 0.01, 0.0)]
    rows += [row("random", "coverage", 0, 0.0)]
    figure = curve_figure(schemas.PEER_INTERVALS.frame(rows))
    near, far = figure.axes
    drawn = {str(line.get_label()): line for line in near.lines}
    np.testing.assert_allclose(drawn["tfidf"].get_xdata(), [0.1, 1, 10])
    np.testing.assert_allclose(drawn["tfidf"].get_ydata(), [0.3] * 3)
    np.testing.assert_allclose([drawn["sic4"].get_xdata()[0], drawn["sic4"].get_ydata()[0]], [1.3, 0.25])
    assert drawn["random"].get_linestyle() == "--"
    assert "sae" not in drawn and "sector" not in drawn
    assert len(near.collections) == 2 and far.get_title(loc="left").startswith("36 months")
