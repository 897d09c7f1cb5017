"""The DuckDB window answers what it says, on a lake small enough to check by hand."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from assets.outputs.warehouse import WarehouseError, build_warehouse
from assets.schemas import TABLES
from resources.places import SQL
from tests.outputs.small_lake import COMPANIES, FAINT, IDS, IN_ONE_TEXT, LATER, SHOWN, UNFINISHED, lake, weights, write

TICKERS = list(COMPANIES)
COSINES = weights() @ weights().T


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="module")
def rows(folder: Path) -> pl.DataFrame:
    return build_warehouse(folder / "peerlens.duckdb", folder, write(lake(), folder), SQL, "it's a sample")


@pytest.fixture(scope="module")
def window(folder: Path, rows: pl.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(folder / "peerlens.duckdb"), read_only=True) as connection:
        yield connection


def test_every_table_and_sql_file_is_listed_with_its_sentence(rows: pl.DataFrame) -> None:
    files = {f.stem for f in (*SQL.glob("views/*.sql"), *SQL.glob("macros/*.sql"))}
    assert set(rows["name"]) == files | set(TABLES) | {"banner", "sic_names"}
    assert rows.filter(name="companies").select("kind", "sentence").row(0) == ("view", "Who exists.")
    assert rows.filter(name="peers")["sentence"].item().startswith("The nearest companies")
    assert TABLES["warehouse"].validate(rows).num_rows == len(rows)


def test_same_files_give_same_hashes_and_another_file_changes_only_its_view(tmp_path: Path) -> None:
    files = write(lake(), tmp_path)
    first = build_warehouse(tmp_path / "1.duckdb", tmp_path, files, SQL, "")
    assert first.equals(build_warehouse(tmp_path / "2.duckdb", tmp_path, files, SQL, ""))
    other = build_warehouse(
        tmp_path / "3.duckdb", tmp_path, files | {"prices": [], "filings": files["filings"][:1]}, SQL, ""
    )
    assert first.join(other, on=["name", "sha256"], how="anti")["name"].to_list() == ["filings"]


def test_views_return_the_rows_written_and_empty_tables_keep_their_types(window: duckdb.DuckDBPyConnection) -> None:
    for name, frame in lake().items():
        found = window.view(name).pl()
        assert found.schema == frame.schema, name
        assert found.sort(TABLES[name].key).equals(frame.sort(TABLES[name].key)), name


def test_comments_are_the_sentences_of_the_schema(window: duckdb.DuckDBPyConnection) -> None:
    comments = window.sql(
        "select comment from duckdb_columns() where table_name = 'descriptions' and column_name = 'n_chars'"
    )
    assert comments.fetchall() == [("Length of the text. [characters]",)]
    macros = window.sql(
        "select comment from duckdb_functions() where function_name in ('why_peers', 'phrase')"
    ).fetchall()
    assert all(comment for (comment,) in macros) and len(macros) == 2


def test_banner_is_one_row(window: duckdb.DuckDBPyConnection) -> None:
    assert window.sql("from banner").fetchall() == [("it's a sample",)]


def test_directory_knows_the_newest_ticker_and_the_code_as_filed(window: duckdb.DuckDBPyConnection) -> None:
    found = window.view("company_directory").pl().filter(company_id=IDS["KO"])
    assert found.select("ticker", "sic", "major_group").row(0) == ("KO", "2086", "20")


def test_a_latent_without_label_is_named_by_its_number(window: duckdb.DuckDBPyConnection) -> None:
    labels = window.sql("select label from latest_vectors where latent = 0").fetchall()
    assert set(labels) == {("latent 0 of passages-24",)}


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("oil", 0, 3, "oil"),
        ("crude oil", 5, 9, "crude oil"),
        ("sells refreshing beverages", 13, 18, "sells refreshing beverages"),
        ("ünïcödé 石油 and\u00a0gas fields", 8, 10, "ünïcödé 石油 and gas fields"),
        ("one two three four five", 20, 23, "two three four five"),
        ("a b c d e f g h i j k", 10, 11, "b c d e f g h i j"),
    ],
)
def test_phrase_finishes_words_and_stops_at_the_ends(
    window: duckdb.DuckDBPyConnection, text: str, start: int, end: int, expected: str
) -> None:
    assert window.sql("select phrase(?, ?, ?)", params=[text, start, end]).fetchall() == [(expected,)]


def test_peers_are_ranked_by_the_dense_cosine(window: duckdb.DuckDBPyConnection) -> None:
    peers = window.table_function("peers", ["KO"]).pl()
    order = [i for i in np.argsort(-COSINES[0]) if i]
    assert peers["ticker"].to_list() == [TICKERS[i] for i in order]
    assert peers["similarity"].to_numpy() == pytest.approx(COSINES[0, order], abs=1e-12)
    assert peers["rank"].to_list() == [1, 2, 3, 4, 5]


def test_peers_say_whether_the_industry_is_the_same_and_why(window: duckdb.DuckDBPyConnection) -> None:
    peers = window.table_function("peers", ["KO"]).pl()
    same = dict(peers.select("ticker", "same_major_group").iter_rows())
    assert same == {"PEP": True, "XOM": False, "CVX": False, "JPM": False, "HOME": None}
    products = -weights()[0] * weights()[1]
    strongest = [i for i in np.argsort(products) if i in SHOWN and i not in (IN_ONE_TEXT, FAINT)][:3]
    assert peers["reason"][0] == " / ".join(f"topic <{i}>" for i in strongest)


@pytest.mark.parametrize("name", ["ko", "OLDKO", IDS["KO"]])
def test_a_company_answers_to_tickers_and_its_id(window: duckdb.DuckDBPyConnection, name: str) -> None:
    expected = window.table_function("peers", ["KO", 2]).pl()
    assert len(expected) == 2
    assert window.table_function("peers", [name, 2]).pl().equals(expected)


@pytest.mark.parametrize(
    "call",
    [
        "peers('NONE')",
        "why_peers('KO', 'NONE')",
        "why_peers('NONE', 'KO')",
        "why_latents('NONE', 'KO')",
        "evidence('KO', 'NONE')",
        "themes_of('NONE')",
        "companies_with('NONE')",
        "theme('NONE')",
        "cluster_of('NONE')",
        "peers_over_time('NONE')",
        "hedge_basket('NONE')",
    ],
)
def test_an_unknown_company_gives_no_rows(window: duckdb.DuckDBPyConnection, call: str) -> None:
    assert window.sql(f"from {call}").fetchall() == []


def test_a_group_is_called_after_the_three_best_themes_that_can_be_shown(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("select ticker, cluster, label from cluster_of('PEP')").fetchall()
    title = "topic <1> / topic <6> / topic <11>"
    assert found == [("KO", 0, title), ("PEP", 0, title)]
    assert window.sql("select ticker from cluster_of('XOM', method := 'sic4')").fetchall() == [("CVX",), ("XOM",)]


def test_a_group_without_a_shown_theme_is_called_after_its_commonest_sic_group_or_says_so(
    window: duckdb.DuckDBPyConnection,
) -> None:
    found = dict(window.sql("select cluster, label from clusters('2010-12')").fetchall())
    assert found == {0: "food and beverages (SIC)", 1: "banks (SIC)", 2: "petroleum refining (SIC)"}
    alone = window.sql("select label from cluster_of('HOME', method := 'sic4')").fetchall()
    assert alone == [("no shown theme",)]


def test_a_group_says_how_firm_it_is(window: duckdb.DuckDBPyConnection) -> None:
    assert window.sql("select ticker, stability, note from cluster_of('PEP')").fetchall() == [
        ("KO", 0.75, None),
        ("PEP", 1.0, None),
    ]
    assert window.sql("select cluster, stability from clusters('2011-12')").fetchall() == [
        (0, 0.875),
        (1, None),
        (2, None),
    ]


def test_whoever_is_alone_is_told_so_and_which_group_is_nearest(tmp_path: Path) -> None:
    tables = lake()
    later = tables["peer_clusters"].filter(method="sae", as_of=LATER)
    alone = pl.col("company_id").is_in([IDS["PEP"], IDS["HOME"]])
    changed = later.with_columns(
        cluster=pl.when(alone).then(pl.lit(7) + pl.int_range(pl.len())).otherwise("cluster").cast(pl.Int32),
        suggested=pl.when(company_id=IDS["PEP"]).then(1).cast(pl.Int32),
    )
    rows = tables | {"peer_clusters": changed}
    build_warehouse(tmp_path / "peerlens.duckdb", tmp_path, write(rows, tmp_path), SQL, "")
    with duckdb.connect(str(tmp_path / "peerlens.duckdb"), read_only=True) as connection:
        notes = {t: connection.sql(f"select note from cluster_of('{t}')").fetchall() for t in ("PEP", "HOME", "XOM")}
    oil = "petroleum refining (SIC)"
    assert notes == {"PEP": [(f"alone; nearest group 1: {oil}",)], "HOME": [("alone",)], "XOM": [(None,), (None,)]}


def test_clusters_lists_the_groups_of_a_month(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("select cluster, size, members from clusters('2010-12')").fetchall()
    assert found == [(0, 3, ["KO", "PEP", "XOM"]), (1, 2, ["HOME", "JPM"]), (2, 1, ["CVX"])]


def test_drift_names_who_left_and_who_joined(window: duckdb.DuckDBPyConnection) -> None:
    columns = "ticker, left_peers, joined_peers, change, jaccard, themes_gained, themes_lost"
    found = window.sql(f"select {columns} from cluster_drift('2010-12', '2011-12')").fetchall()
    assert found == [
        ("CVX", [], ["XOM"], "stayed", 1 / 2, [], []),
        ("KO", ["XOM"], [], "stayed", 2 / 3, [], []),
        ("PEP", ["XOM"], [], "stayed", 2 / 3, [], []),
        ("XOM", ["KO", "PEP"], ["CVX"], "moved", 1 / 4, ["topic <1>"], ["topic <6>"]),
    ]
    filings = window.sql("select accession_before, accession from cluster_drift('2010-12', '2011-12')").fetchall()
    assert filings[-1] == ("sample-XOM-2009", "sample-XOM-2010")
    assert window.sql("from cluster_drift('2010-11', '2011-12')").fetchall() == []
    assert window.sql("select count(*) from cluster_drift").fetchall() == [(6,)]


def test_drift_between_dates_that_do_not_follow_each_other_has_peers_and_no_reasons(
    window: duckdb.DuckDBPyConnection,
) -> None:
    columns = "left_peers, joined_peers, change, jaccard, themes_gained, accession"
    found = window.sql(f"select {columns} from cluster_drift('2011-12', '2010-12')").fetchall()
    assert found == [
        (["XOM"], [], None, None, None, None),
        ([], ["XOM"], None, None, None, None),
        ([], ["XOM"], None, None, None, None),
        (["CVX"], ["KO", "PEP"], None, None, None, None),
    ]


def test_peers_over_time_say_who_entered_and_who_leaves(window: duckdb.DuckDBPyConnection) -> None:
    ask = "select strftime(as_of, '%Y-%m'), rank, ticker, similarity, entered, leaves from peers_over_time"
    found = window.sql(f"{ask}('KO', method := 'tfidf')").fetchall()
    assert found == [
        ("2010-12", 1, "CVX", 0.6, None, True),
        ("2010-12", 2, "XOM", 0.3, None, False),
        ("2010-12", 3, "PEP", -0.1, None, False),
        ("2011-12", 1, "PEP", 0.6, False, None),
        ("2011-12", 2, "JPM", 0.3, True, None),
        ("2011-12", 3, "XOM", -0.1, False, None),
    ]
    nearest = window.sql(f"{ask}('KO', n := 1, method := 'tfidf')").fetchall()
    assert [row[2:] for row in nearest] == [("CVX", 0.6, None, True), ("PEP", 0.6, True, None)]
    with pytest.raises(duckdb.InvalidInputException, match="method sic4 has no nearest companies; these have: sae"):
        window.sql("from peers_over_time('KO', method := 'sic4')").fetchall()


def test_the_network_of_the_newest_date_is_in_the_known_layout(window: duckdb.DuckDBPyConnection) -> None:
    newest = [(IDS["KO"], IDS["PEP"], 0.3), (IDS["XOM"], IDS["CVX"], 0.4)]
    assert window.view("tnic").pl().columns == ["company1", "company2", "score"]
    assert window.sql("from tnic").fetchall() == newest
    assert window.sql("select company1, company2, score from network()").fetchall() == newest
    assert window.sql("from network('tnic', '2010-12')").pl().to_dicts() == [
        {"year": 2010, "company1": IDS["KO"], "company2": IDS["JPM"], "score": 0.2, "ticker1": "KO", "ticker2": "JPM"}
    ]
    assert window.sql("from network('sae', '2010-12')").fetchall() == []
    with pytest.raises(duckdb.InvalidInputException, match="method sic4 has no network; these have: sae, tnic"):
        window.sql("from network('sic4')").fetchall()


def test_alerts_are_a_table(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("select kind, text from alerts").fetchall()
    assert found == [("watched_peers", "sae: peers of KO: left XOM, since 2010-12")]


def test_scoreboard_averages_finished_dates_and_says_which_are_not(window: duckdb.DuckDBPyConnection) -> None:
    board = {row["method"]: row for row in window.view("scoreboard").pl().to_dicts()}
    assert list(board) == ["sic4", "sae", "placebo", "embedding", "tfidf"]
    sae = board["sae"]
    assert [sae[k] for k in ("lift", "lift_low", "lift_high", "blocks")] == [0.25, -0.1, 0.6, 2]
    assert [sae[k] for k in ("pair_weighted", "placebo_beaten", "coverage")] == pytest.approx([0.35, 0.5, 0.5])
    assert [sae[k] for k in ("as_of_dates", "companies", "companies_lost", "pairs", "pairs_lost")] == [2, 12, 1, 18, 2]
    assert [board["placebo"][k] for k in ("pair_weighted", "lift", "same_major_group")] == pytest.approx([0.1, 0, 0.1])
    waiting = [sae[k] for k in ("unfinished_dates", "newest_as_of", "newest_months", "horizon_months")]
    assert waiting == [1, UNFINISHED, 3, 12]


def test_scoreboard_shares_carry_n_an_interval_and_a_test(window: duckdb.DuckDBPyConnection) -> None:
    board = {row["method"]: row for row in window.view("scoreboard").pl().to_dicts()}
    shares = [f"same_major_group{end}" for end in ("", "_low", "_high")]
    tested = [f"nearest_{name}" for name in ("companies", "alone", "sae_better", "sae_worse", "p")]
    assert [board["tfidf"][k] for k in shares + tested] == [0.6, 0.23, 0.88, 5, 1, 1, 1, 1.0]
    assert [board["placebo"][k] for k in shares + tested] == [0.1, None, None, 5, 1, None, None, None]


def test_a_date_that_is_not_finished_is_in_no_mean_even_alone(tmp_path: Path) -> None:
    rows = lake()
    young = rows["cluster_scores"].filter(~pl.col("finished"))
    changed = {"cluster_scores": young, "lift_intervals": rows["lift_intervals"].clear()}
    build_warehouse(tmp_path / "peerlens.duckdb", tmp_path, write(rows | changed, tmp_path), SQL, "")
    with duckdb.connect(str(tmp_path / "peerlens.duckdb"), read_only=True) as window:
        board = {row["method"]: row for row in window.view("scoreboard").pl().to_dicts()}
    means = ("lift", "pair_weighted", "coverage", "largest_share", "placebo_mean")
    assert {board[method][name] for method in ("sae", "placebo") for name in means} == {None}
    assert [board["sae"][k] for k in ("as_of_dates", "newest_months")] == [0, 3]


def test_backtest_sums_returns_from_its_first_month(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("select selection, cumulative_return from backtest('sae', '2011-01', '2011-01')").fetchall()
    assert found == [("bh", 0.01), ("bh", 0.02), ("uncorrected", 0.01), ("uncorrected", 0.02)]


def test_another_strategy_is_another_book(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("from backtest('sae', '2011-01', '2011-02', strategy := 'hedged')").pl()
    assert found.select("selection", "cumulative_return", "equity").rows() == [("all", 0.07, 107.0)]


def test_a_hedge_has_the_fitted_weights_largest_first(window: duckdb.DuckDBPyConnection) -> None:
    basket = window.sql("from hedge_basket('KO', as_of := '2010-12')").pl()
    assert basket.select("rank", "ticker", "weight", "legs").rows() == [
        (1, "PEP", -0.5, 3),
        (2, "XOM", -0.25, 3),
        (3, "JPM", -0.1, 3),
    ]
    largest = window.sql("from hedge_basket('KO', n := 2, as_of := '2010-12')").pl()
    assert largest.equals(basket.head(2))


def test_a_hedge_is_measured_after_its_date_only_when_its_months_are_over(window: duckdb.DuckDBPyConnection) -> None:
    columns = "measured, days, last_day, correlation, variance_reduction, warning"
    (over,) = window.sql(f"select distinct {columns} from hedge_basket('KO', as_of := '2010-12')").fetchall()
    assert over == ("after 2010-12-31", 252, date(2011, 12, 30), 0.5, pytest.approx(0.25), None)
    (running,) = window.sql(f"select distinct {columns} from hedge_basket('KO')").fetchall()
    assert running == ("before 2011-12-31", 1260, LATER, 0.9, pytest.approx(0.75), None)


def test_a_hedge_that_raised_the_variance_warns(window: duckdb.DuckDBPyConnection) -> None:
    basket = window.sql("from hedge_basket('KO', as_of := '2010-12', method := 'tfidf')").pl()
    assert set(basket["warning"]) == {"this basket raised the variance by 25 % after the date"}
    assert basket["variance_reduction"][0] == pytest.approx(-0.25)


def test_hedges_are_compared_with_sic4_and_sector_for_the_same_company_and_date(
    window: duckdb.DuckDBPyConnection,
) -> None:
    board = {row["method"]: row for row in window.sql("from hedge_scoreboard").pl().to_dicts()}
    assert list(board) == ["sae", "sector", "sic4", "tfidf", "placebo"]
    assert {m: (row["baskets"], row["raised"]) for m, row in board.items()} == {
        m: (1, 0.0 if m == "sae" else 1.0) for m in board
    }
    assert (board["sae"]["variance_cut"], board["sae"]["variance_cut_before"]) == pytest.approx((0.25, 0.75))
    compared = ("over_sic4", "beat_sic4", "over_sector", "beat_sector")
    assert [board["sae"][name] for name in compared] == pytest.approx([0.5, 1, 0.5, 1])
    assert [board["sic4"][name] for name in compared] == [None, None, 0.0, 0.0]


@pytest.mark.parametrize("query", sorted(SQL.glob("queries/*.sql")), ids=lambda file: file.stem)
def test_every_example_runs_and_says_what_it_answers(window: duckdb.DuckDBPyConnection, query: Path) -> None:
    text = query.read_text()
    assert text.startswith("-- ")
    found = window.sql(text).pl()
    assert len(found) > 0 or query.stem == "cluster_of_tfidf"


def test_a_lake_without_any_file_still_opens(tmp_path: Path) -> None:
    build_warehouse(tmp_path / "peerlens.duckdb", tmp_path, {name: [] for name in TABLES}, SQL, "")
    with duckdb.connect(str(tmp_path / "peerlens.duckdb"), read_only=True) as window:
        questions = [text for query in SQL.glob("queries/*.sql") if "as_of :=" not in (text := query.read_text())]
        assert all(window.sql(text).fetchall() == [] for text in questions)
        with pytest.raises(duckdb.InvalidInputException, match="no peer groups as of 2010-12; there are none"):
            window.sql("select asked_as_of('2010-12')").fetchall()


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "peerlens.duckdb").write_text("open elsewhere")
    with pytest.raises(WarehouseError, match="exists"):
        build_warehouse(tmp_path / "peerlens.duckdb", tmp_path, {}, SQL, "")
    assert (tmp_path / "peerlens.duckdb").read_text() == "open elsewhere"


def test_errors_name_the_table_or_the_file(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="'nonsense' is not in"):
        build_warehouse(tmp_path / "1.duckdb", tmp_path, {"nonsense": []}, SQL, "")
    with pytest.raises(WarehouseError, match=r"table prices: .*gone\.parquet"):
        build_warehouse(
            tmp_path / "2.duckdb", tmp_path, {name: [] for name in TABLES} | {"prices": ["gone.parquet"]}, SQL, ""
        )
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "bad.sql").write_text("-- It is wrong.\ncreate view bad as\nselect nothing from nowhere")
    with pytest.raises(WarehouseError, match=r"bad\.sql: .*nowhere"):
        build_warehouse(tmp_path / "3.duckdb", tmp_path, {}, tmp_path, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [("create view v as select 1", "first line"), ("-- A.\ncreate view w as select 1", "create view v")],
)
def test_a_file_must_say_what_it_answers_and_create_what_it_is_named_after(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "v.sql").write_text(text)
    with pytest.raises(WarehouseError, match=message):
        build_warehouse(tmp_path / "peerlens.duckdb", tmp_path, {}, tmp_path, "")
