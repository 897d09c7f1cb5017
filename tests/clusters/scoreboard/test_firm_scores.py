"""Every score of a method on one date: true groups win each, and who is lost is counted and named."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from assets.clusters.evaluation import horizon_after
from assets.clusters.methods import Known
from assets.clusters.peer_methods.nearness import Nearness, classified, compared, evidence_at
from assets.clusters.scoreboard.firm_scores import Market, Score, firm_scores, named_peers
from assets.clusters.scoreboard.firm_scores import r2_by_month as r2_of_peers
from assets.clusters.scoreboard.tables import peer_rows, peers_by_method
from assets.partitions import months_later

NAN = np.nan
COMPANIES, SIZE = 60, 6
TRUE = np.repeat(np.arange(COMPANIES // SIZE), SIZE)
COARSE = TRUE // 2
IDS = [f"{number:02}" for number in range(COMPANIES)]


def market(seed: int = 0, months: int = 36) -> Market:
    """Returns of a market, of the true groups, and of nobody else; SIC-4 puts two true groups into one."""
    random = np.random.default_rng(seed)
    returns = random.normal(size=(60 + months, 1)) + random.normal(size=(60 + months, TRUE.max() + 1))[:, TRUE]
    returns = 0.05 * (returns + random.normal(size=(60 + months, COMPANIES)))
    return Market(IDS, returns[:60], returns[60:], COARSE, seed)


def by_name(nearness: Nearness, around: Market) -> dict[str, Score]:
    return {score.name: score for score in firm_scores(nearness, named_peers(nearness, 0), around)}


def r2_by_month(nearness: Nearness, around: Market) -> dict[int, np.ndarray]:
    return r2_of_peers(named_peers(nearness, 0), around)


def placebo() -> Nearness:
    return Nearness(np.zeros((COMPANIES, COMPANIES)), np.full(COMPANIES, True))


def test_the_true_groups_win_every_score_over_coarser_ones_and_those_over_chance() -> None:
    around = market()
    true, coarse, chance = (by_name(found, around) for found in (classified(TRUE), classified(COARSE), placebo()))
    for name in [own for own in true if own.startswith(("incremental", "hedge_median", "same", "pairs"))]:
        assert true[name].value > coarse[name].value or name.endswith("0.1"), name
        assert coarse[name].value > chance[name].value, name
    assert true["groups"].value > coarse["groups"].value
    assert true["hedge_worse"].value < coarse["hedge_worse"].value < chance["hedge_worse"].value
    for k in (5, 10):
        r2 = [r2_by_month(found, around)[k].mean() for found in (classified(TRUE), classified(COARSE), placebo())]
        assert r2[0] > r2[1] > r2[2]


def test_sic4_at_its_own_number_of_peers_is_itself() -> None:
    scores = by_name(classified(COARSE), market())
    assert scores["same_number_less_sic4"].value == scores["same_number_raw_less_sic4"].value == 0
    assert not np.any(scores["same_number_less_sic4"].draws)
    # All pairs inside groups of one size are counted once on either side.
    assert scores["same_number"].value == pytest.approx(scores["groups"].value)


def test_every_score_has_a_value_of_the_placebo() -> None:
    scores, true = by_name(placebo(), market()), by_name(classified(TRUE), market())
    assert set(true) - set(scores) == {"groups", "groups_raw"}
    assert all(np.isfinite(score.value) for score in scores.values())


def test_a_draw_is_the_score_of_a_sample_and_the_same_firms_give_the_same_draws() -> None:
    around = market()
    first, again = by_name(classified(TRUE), around), by_name(classified(TRUE), market())
    for name, score in first.items():
        np.testing.assert_array_equal(score.draws, again[name].draws)
    spread = first["same_number"].draws.std(ddof=1)
    assert abs(first["same_number"].draws.mean() - first["same_number"].value) < spread


def test_a_method_that_places_nobody_has_no_coverage_and_scores_as_chance() -> None:
    around, nobody = market(), compared(np.full((COMPANIES, COMPANIES), NAN))
    scores, chance = by_name(nobody, around), by_name(placebo(), around)
    assert scores["coverage"].value == 0 and chance["coverage"].value == 1
    assert scores["same_number"].value == chance["same_number"].value
    np.testing.assert_array_equal(r2_by_month(nobody, around)[5], r2_by_month(placebo(), around)[5])


def test_each_draw_of_tied_peers_is_a_hedge_and_their_scores_are_averaged() -> None:
    around, peers = market(), named_peers(placebo(), 0)
    scores = by_name(placebo(), around)
    each = [
        {score.name: score for score in firm_scores(placebo(), {5: peers[5][draw : draw + 1]}, around)}
        for draw in range(len(peers[5]))
    ]
    for name in ("hedge_median", "hedge_worse"):
        assert scores[name].value == pytest.approx(np.mean([one[name].value for one in each]))
        np.testing.assert_allclose(scores[name].draws, np.mean([one[name].draws for one in each], axis=0))


def test_nobody_with_returns_leaves_coverage_and_scores_that_are_not_defined() -> None:
    empty = Market(IDS, np.full((60, COMPANIES), NAN), np.full((12, COMPANIES), NAN), COARSE, 0)
    scores = by_name(classified(TRUE), empty)
    assert scores.pop("coverage").value == 1
    assert set(scores) == {"incremental_r2", "hedge_median", "hedge_worse"}
    assert all(np.isnan(score.value) and score.companies == 0 for score in scores.values())
    assert np.isnan(r2_by_month(classified(TRUE), empty)[5]).all()


def test_identical_companies_share_nothing_beyond_the_market() -> None:
    series = np.random.default_rng(0).normal(size=(72, 1))
    same = Market(IDS, np.tile(series[:60], COMPANIES), np.tile(series[60:], COMPANIES), COARSE, 0)
    scores = by_name(classified(TRUE), same)
    assert scores["same_number"].value == scores["pairs_0.01"].value == 0
    assert scores["same_number_raw"].value == pytest.approx(1)
    assert np.isnan(scores["hedge_median"].value)
    assert np.isnan(r2_by_month(classified(TRUE), same)[5]).all()


@pytest.mark.parametrize("count", [0, 1])
def test_one_company_has_a_coverage_and_nothing_else(count: int) -> None:
    returns = np.random.default_rng(0).normal(size=(72, count))
    alone = Market(IDS[:count], returns[:60], returns[60:], np.arange(count), 0)
    scores = by_name(Nearness(np.zeros((count, count)), np.zeros(count, dtype=bool)), alone)
    assert set(scores) == {"coverage", "incremental_r2", "hedge_median", "hedge_worse"}
    assert all(np.isnan(score.value) for name, score in scores.items() if name != "coverage")


AS_OF, FIRST = date(2005, 12, 31), "2005-12"


def known() -> Known:
    words = [f"word{group} made by firm{number} of group{group}" for number, group in enumerate(TRUE)]
    columns = {
        "company_id": IDS,
        "accession": IDS,
        "sic": [f"2{group}11" for group in TRUE],
        "text": words,
        "embedding": np.random.default_rng(0).normal(size=(COMPANIES, 3)).tolist(),
        "lm_mean": np.random.default_rng(1).normal(size=(COMPANIES, 3)).tolist(),
        "bert_cls": np.random.default_rng(2).normal(size=(COMPANIES, 3)).tolist(),
        "sector": ["one"] * COMPANIES,
        "industry": ["one"] * COMPANIES,
    }
    latents = pl.DataFrame({"company_id": IDS, "latent": TRUE, "weight": 1.0, "own_weight": 1.0}).with_columns(
        entry=pl.lit("e"), block=2, view=pl.lit("passages"), accession="company_id"
    )
    return Known(pl.DataFrame(columns), latents)


def months_of_returns() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Returns before and after the date; company 01 has none after three months, 02 none at all after the date."""
    around, rows = market(months=12), []
    for offset, matrix in ((-59, around.before), (1, around.after)):
        for month, values in enumerate(matrix):
            day = months_later(FIRST, offset + month)
            rows += [(company, day, value) for company, value in zip(IDS, values.tolist(), strict=True)]
    table = pl.DataFrame(rows, schema=["company_id", "month", "log_return"], orient="row")
    gone = ((pl.col("company_id") == "01") & (pl.col("month") > months_later(FIRST, 3))) | (
        (pl.col("company_id") == "02") & (pl.col("month") > AS_OF)
    )
    table = table.filter(~gone)
    return table.filter(pl.col("month") <= AS_OF), table.filter(pl.col("month") > AS_OF)


def test_rows_are_of_every_method_and_name_who_was_lost() -> None:
    before, after = months_of_returns()
    evidence = evidence_at(known(), before)
    near = dict(peers_by_method(evidence, 0))
    [rows] = peer_rows(near.items(), evidence, after, [horizon_after(AS_OF, 12, after)], 0)
    assert {row["method"] for row in rows.scores} == {row["method"] for row in rows.monthly} == set(near)
    assert rows.lost == [
        {"horizon_months": 12, "company_id": "01", "last_month": months_later(FIRST, 3)},
        {"horizon_months": 12, "company_id": "02", "last_month": None},
    ]
    value = {(row["method"], row["score"]): row["value"] for row in rows.scores}
    assert value["sae", "same_number"] == pytest.approx(value["sic4", "same_number"])
    assert value["sae", "same_number"] > value["random", "same_number"] + 0.2
    assert len(rows.monthly) == len(near) * 2 * 12


def test_no_method_names_whoever_does_not_trade_at_the_date() -> None:
    before, _ = months_of_returns()
    months = before["month"].unique().sort()
    unlisted = (pl.col("company_id") == "01") | ((pl.col("company_id") == "07") & (pl.col("month") == months[-1]))
    for method, found in peers_by_method(evidence_at(known(), before.filter(~unlisted)), 0):
        assert not {1, 7} & set(found.peers[5].ravel().tolist()), method
    # Where nobody has traded yet, nothing tells who will.
    sae = dict(peers_by_method(evidence_at(known(), before.clear()), 0))["sae"]
    assert {1, 7} < set(sae.peers[5].ravel().tolist())


def test_without_a_company_there_are_no_rows() -> None:
    before, after = months_of_returns()
    nobody = Known(known().companies.clear(), known().vectors.clear())
    evidence = evidence_at(nobody, before)
    [rows] = peer_rows(peers_by_method(evidence, 0), evidence, after, [horizon_after(AS_OF, 12, after)], 0)
    assert not rows.scores and not rows.draws and not rows.monthly and not rows.lost
