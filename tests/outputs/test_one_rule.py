"""What Python and SQL say of companies, and why they are similar, is the same in hard cases too."""

from collections.abc import Iterator
from datetime import date
from itertools import combinations

import duckdb
import numpy as np
import polars as pl
import pytest

from assets.clusters.baselines import sic_clusters
from assets.clusters.methods import label_rows
from assets.latent_names import LATENT, latent_names
from assets.outputs.atlas import AtlasTables, company_directory, latent_matrix
from assets.outputs.warehouse import build_warehouse
from assets.sic import sic_groups
from assets.themes import shown_themes, told_themes
from resources.places import SQL
from tests.outputs.small_lake import COMPANIES, EARLIER, IDS, LATER, lake, write

CODES = ["2086", "700", "0000", None, "1800", "0790"]
"""Four digits, three, EDGAR's none, none in the newest filing, one in no division, and the 700's major group."""
DAYS = (date(2001, 1, 1), date(2002, 1, 1))
"""Of tickers: hard cases are equal days, unknown days and tickers that ended."""


def hard_lake() -> dict[str, pl.DataFrame]:
    rows = lake()
    ids, names = list(IDS.values()), [f"sample-{ticker}-2010" for ticker in COMPANIES]
    codes = sic_groups(pl.DataFrame({"company_id": ids, "accession": names, "sic": CODES}))
    older = codes.with_columns(sic=pl.lit("7372"), major_group=pl.lit("73"), division=pl.lit("I"))
    dated = [codes.with_columns(as_of=pl.lit(LATER)), older.with_columns(as_of=pl.lit(EARLIER))]
    columns = rows["sic_groups"].columns
    unnamed = pl.when(pl.col("latent") == 3).then(pl.lit("")).otherwise("label").alias("label")
    return rows | {
        "sic_groups": pl.concat(part.select(columns) for part in dated),
        "tickers": hard_tickers(),
        "latent_labels": rows["latent_labels"].with_columns(unnamed),
    }


def hard_tickers() -> pl.DataFrame:
    ko, pep, xom, cvx, jpm, _ = IDS.values()
    early, late = DAYS
    cells = [
        ("KO", ko, None, None), ("AKO", ko, None, None),
        ("PEP", pep, early, None), ("APEP", pep, late, None), ("BPEP", pep, None, late),
        ("XOM", xom, early, late), ("AXOM", xom, late, late), ("BXOM", xom, None, late),
        ("CVX", cvx, None, late), ("ACVX", cvx, late, None), ("BCVX", cvx, late, None),
        ("JPM", jpm, late, early), ("AJPM", jpm, early, late),
    ]  # fmt: skip
    schema = lake()["tickers"].schema
    return pl.DataFrame([(*cell, "sample") for cell in cells], schema=schema, orient="row")


@pytest.fixture(scope="module")
def shown() -> dict[str, dict[str, str | None]]:
    """What the atlas says of every company."""
    rows = hard_lake()
    tables = AtlasTables(**{name: rows[name] for name in AtlasTables.__dataclass_fields__})
    return company_directory(tables.at(LATER), IDS.values())


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("hard")
    build_warehouse(folder / "peerlens.duckdb", folder, write(hard_lake(), folder), SQL, "")
    with duckdb.connect(str(folder / "peerlens.duckdb"), read_only=True) as window:
        yield window


@pytest.fixture(scope="module")
def answered(window: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str | None]]:
    """What SQL says of every company."""
    return {row["company_id"]: row for row in window.view("company_directory").pl().to_dicts()}


@pytest.mark.parametrize("column", ["ticker", "name", "sic"])
def test_the_page_and_the_directory_say_the_same(
    shown: dict[str, dict[str, str]], answered: dict[str, dict[str, str]], column: str
) -> None:
    assert {i: shown[i][column] for i in IDS.values()} == {i: answered[i][column] for i in IDS.values()}


def test_the_code_is_that_of_the_newest_filing_even_where_an_older_one_has_more(
    answered: dict[str, dict[str, str | None]],
) -> None:
    assert [answered[i]["sic"] for i in IDS.values()] == CODES
    assert [answered[i]["major_group"] for i in IDS.values()] == ["20", "07", None, None, None, "07"]


@pytest.mark.parametrize(("level", "column"), [("major_group", "major_group"), ("division", "division")])
def test_companies_are_grouped_by_what_is_shown(
    shown: dict[str, dict[str, str]], answered: dict[str, dict[str, str]], level: str, column: str
) -> None:
    said = answered if column == "major_group" else shown
    labels = sic_clusters(CODES, level)  # type: ignore[arg-type]
    known = [said[i][column] if said[i][column] != "Not known" else None for i in IDS.values()]
    for i, own in enumerate(labels):
        for j, other in enumerate(labels):
            if i != j:
                assert (own == other) == (known[i] is not None and known[i] == known[j])


def test_sql_calls_a_latent_the_same_with_an_empty_label_and_with_none(
    window: duckdb.DuckDBPyConnection,
) -> None:
    rows = window.view("latest_vectors").pl()
    names = latent_names(rows, hard_lake()["latent_labels"])
    assert rows["label"].to_list() == names.to_list()
    assert {"topic <1>", "latent 0 of passages-24", "latent 3 of passages-24"} <= set(names)


def random_lake(seed: int) -> dict[str, pl.DataFrame]:
    """What is said, scores, shares, labels and passages at random, values at the borders of the rule among them."""
    rng, rows = np.random.default_rng(seed), lake()

    def drawn(name: str, column: str, values: list[object]) -> pl.DataFrame:
        picked = [values[i] for i in rng.integers(len(values), size=len(rows[name]))]
        return rows[name].with_columns(pl.Series(column, picked, dtype=rows[name].schema[column]))

    rows["company_vectors"] = drawn(
        "company_vectors", "words", [["soft drinks"], ["soft drinks", "refin*"], ["refin*", "oils", "rum"], ["rum"], []]
    )
    for column, values in {
        "detection_score": [0.7, 0.7, 0.9, 0.69, None],
        "label": ["oil, gas", "gold", "banks, loans", "soft drinks", "", None],
    }.items():
        rows["latent_labels"] = drawn("latent_labels", column, values)
    rows["themes"] = drawn("themes", "share", [0.1, 1 / 3, 0.3, 0.34])
    having = rows["theme_passages"].select("accession", "entry", "latent").unique(maintain_order=True)
    kept = having.filter(pl.Series(rng.random(len(having)) < 0.8))
    return rows | {"theme_passages": rows["theme_passages"].join(kept, on=kept.columns, how="semi")}


@pytest.fixture(scope="module", params=[1, 3])
def random_rows(request: pytest.FixtureRequest) -> dict[str, pl.DataFrame]:
    return random_lake(request.param)


@pytest.fixture(scope="module")
def random_window(
    random_rows: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("random")
    build_warehouse(folder / "peerlens.duckdb", folder, write(random_rows, folder), SQL, "")
    with duckdb.connect(str(folder / "peerlens.duckdb"), read_only=True) as window:
        yield window


@pytest.mark.parametrize("as_of", [EARLIER, LATER])
def test_page_and_sql_give_the_same_reasons(
    random_rows: dict[str, pl.DataFrame], random_window: duckdb.DuckDBPyConnection, as_of: date
) -> None:
    tables = AtlasTables(**{name: random_rows[name] for name in AtlasTables.__dataclass_fields__})
    matrix, said = latent_matrix(tables.at(as_of)), 0
    month = f"{as_of:%Y-%m}"
    for one in list(IDS.values())[:2]:
        peers = random_window.table_function("peers", [one, 10, month]).pl()
        reasons = dict(peers.select("company_id", "reason").iter_rows())
        for other in set(IDS.values()) - {one}:
            why = random_window.table_function("why_peers", [one, other, month]).pl()
            expected = matrix.reasons(one, other)
            said += len(expected)
            assert why["theme"][:-1].to_list()[:3] == expected
            assert reasons[other] == (" / ".join(expected) or None)
    assert said > 1


@pytest.mark.parametrize("as_of", [EARLIER, LATER])
def test_a_group_of_two_is_named_by_the_reasons_of_the_pair(
    random_rows: dict[str, pl.DataFrame], random_window: duckdb.DuckDBPyConnection, as_of: date
) -> None:
    """Of themes that have a passage in every text that tells them."""
    at = {name: random_rows[name].filter(as_of=as_of) for name in ("company_vectors", "themes")}
    shown = shown_themes(random_rows["latent_labels"], at["themes"])
    proven = random_rows["theme_passages"]
    told = told_themes(at["company_vectors"], shown).join(proven, on=["accession", *LATENT], how="semi")
    for pair in list(combinations(IDS.values(), 2))[::3]:
        clusters = pl.DataFrame({"company_id": pair, "cluster": 0}, schema_overrides={"cluster": pl.Int32})
        rows = label_rows(clusters, at["company_vectors"], told, "sae_passages", 20)
        why = random_window.table_function("why_peers", [*pair, f"{as_of:%Y-%m}", "sae_passages"]).pl()[:-1]
        assert [row["label"] for row in rows] == why["theme"].to_list()
        assert [row["share"] for row in rows] == pytest.approx(why["share"].to_list())
