"""The benchmark of all methods: planted groups come first, and its tables go between the marks of a page."""

import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assets.clusters.methods import Known
from assets.partitions import months_later
from resources.places import ROOT

sys.path.append(str(ROOT / "benchmarks"))  # scripts import each other by their bare names
import scoreboard_scores
from scoreboard_report import (
    BEGIN,
    END,
    HEADER,
    PARTS,
    claims,
    method_rows,
    part_rows,
    placing_nobody,
    section,
    written,
)
from scoreboard_scores import Period, Scores, measured

GROUPS = np.repeat(np.arange(6), 6)
IDS = [f"{number:02}" for number in range(len(GROUPS))]


def known() -> Known:
    """Companies whose words, codes and latents tell their group; nobody has a sector, and vectors are noise."""
    random = np.random.default_rng(0)
    companies = {
        "company_id": IDS,
        "accession": IDS,
        "sic": [f"2{group}11" for group in GROUPS],
        "text": [f"word{group} of firm{number}" for number, group in enumerate(GROUPS)],
        "embedding": random.normal(size=(len(IDS), 3)).tolist(),
        "lm_mean": random.normal(size=(len(IDS), 3)).tolist(),
        "bert_cls": pl.Series([None] * len(IDS), dtype=pl.List(pl.Float64)),
        "sector": pl.Series([None] * len(IDS), dtype=pl.String),
        "industry": pl.Series([None] * len(IDS), dtype=pl.String),
    }
    latents = pl.DataFrame({"company_id": IDS, "latent": GROUPS, "weight": 1.0, "own_weight": 1.0}).with_columns(
        entry=pl.lit("e"), block=2, view=pl.lit("passages"), accession="company_id"
    )
    return Known(pl.DataFrame(companies), latents)


def returns(last: date) -> pl.DataFrame:
    """Seven years of returns of the groups up to a day."""
    random = np.random.default_rng(1)
    matrix = 0.05 * (random.normal(size=(84, 6))[:, GROUPS] + random.normal(size=(84, len(IDS))))
    months = [months_later("2000-12", month + 1) for month in range(84)]
    table = pl.DataFrame(matrix, schema=IDS).with_columns(month=pl.Series(months))
    return table.unpivot(index="month", variable_name="company_id", value_name="log_return").filter(
        pl.col("month") <= last
    )


@pytest.fixture(scope="module")
def scored() -> Scores:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoreboard_scores, "returns", returns)
        return measured(known(), Period(2005, 2006, 2006))


def test_only_horizons_that_end_within_the_period_are_scored(scored: Scores) -> None:
    assert scored.horizons == [12]
    assert scored.dates(12) == [date(2005, 12, 31)]
    assert scored.monthly["month"].max() == date(2006, 12, 31)


def test_whoever_knows_the_groups_comes_first_and_who_places_nobody_is_named(scored: Scores) -> None:
    rows = method_rows(scored, 12)
    names = [row["method"] for row in rows]
    know, guess = ("sae", "tfidf", "sic4", "sic_then_text"), ("embedding", "lm_mean", "random (placebo)")
    assert max(names.index(method) for method in know) < min(names.index(method) for method in guess)
    silent = placing_nobody(scored, 12)
    assert {"sector", "industry", "hoberg_phillips", "sae_tokens"} <= set(silent) and not set(silent) & set(names)
    text = section("Here", scored, 12, len(IDS))
    assert text.startswith("### Here, 12 months\n\n36 companies, 1 as-of date (2005-12), 0.0 a date lost")
    assert text.endswith(f"Give nobody a peer: {', '.join(silent)}.")
    large, small = (text.split(first)[1].split("\n\n")[0] for first in ("| method |", "| stack | less"))
    assert {line.count("|") for line in large.splitlines()[1:]} == {len(HEADER) + 1}
    assert {line.count("|") for line in small.splitlines()[1:]} == {len(PARTS) + 2}


def test_what_stack_has_above_its_parts_stands_under_the_table(scored: Scores) -> None:
    r2, hedge = part_rows(scored, 12)
    assert list(r2) == ["stack", *(f"less {part}" for part in PARTS)] and (r2["stack"], hedge["stack"][:5]) == (
        "R2",
        "hedge",
    )
    (own,) = scored.r2_differences.filter(method="stack", other="tfidf", horizon_months=12, peers=5).to_dicts()
    assert r2["less tfidf"].startswith(f"{own['difference']:+.3f}")


def test_a_difference_has_a_star_where_its_interval_leaves_0_out(scored: Scores) -> None:
    (chance,) = [row for row in method_rows(scored, 12) if row["method"] == "random (placebo)"]
    (words,) = [row for row in method_rows(scored, 12) if row["method"] == "tfidf"]
    assert chance["R2 less tfidf"].startswith("-0.") and "*" in chance["R2 less tfidf"]
    assert words["R2 less tfidf"] == "" and "*" not in words["R2 less sic4"]
    assert claims(scored, 12)["tfidf"]["r2"] == pytest.approx(float(words["R2"].split()[0]), abs=0.001)


def test_tables_go_between_their_own_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    blocks = [f"{BEGIN.format(of)}\nold {of}\n{END.format(of)}" for of in ("sp500", "sample")]
    page.write_text("\n".join(["before", *blocks, "after"]), encoding="utf-8")
    written(page, "sample", "a\\1 table")
    text = page.read_text(encoding="utf-8")
    assert "old sp500" in text and "old sample" not in text and "a\\1 table" in text
    assert text.startswith("before") and text.endswith("after")
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="needs the lines"):
        written(page, "sample", "table")
