"""Why companies are similar: themes that add up, each with a passage of both texts, and what may not be shown."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from assets.outputs import FILE
from assets.outputs.warehouse import build_warehouse
from resources.places import SQL
from tests.outputs.small_lake import (
    CLOSE,
    COMPANIES,
    EARLIER,
    FAINT,
    IN_ONE_TEXT,
    LATENTS,
    LATER,
    SAID,
    SHOWN,
    THEMES,
    WORDLESS,
    lake,
    own_weights,
    stack_values,
    stack_worth,
    weights,
    write,
)

TICKERS = list(COMPANIES)
VECTORS = {
    "sae": weights(),
    "sae_passages": own_weights(weights())[:, :THEMES],
    "sae_tokens": own_weights(weights())[:, THEMES:],
}
FIRST = {"sae": 0, "sae_passages": 0, "sae_tokens": THEMES}
"""The first latent of a method."""
WOKEN = "We naïvely make and sell [soft drinks], syrups <script>alert('KO')</script> & snacks — in 200 countries."


def opened(rows: dict[str, pl.DataFrame], folder: Path) -> duckdb.DuckDBPyConnection:
    build_warehouse(folder / FILE, folder, write(rows, folder), SQL, "")
    return duckdb.connect(str(folder / FILE), read_only=True)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(lake(), tmp_path_factory.mktemp("lake")) as window:
        yield window


@pytest.mark.parametrize("method", VECTORS)
@pytest.mark.parametrize(("first", "second"), [("KO", "PEP"), ("JPM", "HOME"), ("KO", "KO")])
def test_themes_and_all_others_add_up_to_the_cosine_of_the_method(
    window: duckdb.DuckDBPyConnection, first: str, second: str, method: str
) -> None:
    why = window.table_function("why_peers", [first, second, None, method]).pl()
    one, other = (VECTORS[method][TICKERS.index(ticker)] for ticker in (first, second))
    assert why["contribution"].sum() == pytest.approx(one @ other, abs=1e-12)
    assert why["share"].sum() == pytest.approx(1, abs=1e-12)
    assert why["theme"].to_list()[-1] == "all others" and why["theme"].n_unique() == len(why)
    assert why["contribution"][:-1].is_sorted(descending=True)
    assert why["latents"].sum() == np.count_nonzero(one * other)


@pytest.mark.parametrize(("as_of", "day"), [(None, LATER), ("2010-12", EARLIER)])
@pytest.mark.parametrize(("first", "second"), [("KO", "PEP"), ("XOM", "KO"), ("PEP", "HOME")])
def test_themes_words_codes_and_past_returns_add_up_to_stack(
    window: duckdb.DuckDBPyConnection, first: str, second: str, as_of: str | None, day: date
) -> None:
    why = window.table_function("why_peers", [first, second, as_of, "stack"]).pl()
    values, contribution = stack_values(day, first, second), dict(why.select("theme", "contribution").iter_rows())
    assert why["contribution"].sum() == pytest.approx(sum(values.values()), abs=1e-12)
    names = {"any two companies": "any_pair", "same words": "words", "moved together before": "past"}
    names |= {"same major group": "major_group"}
    parts = {name: values[part] for name, part in names.items() if values[part]}
    assert contribution.items() >= parts.items()
    others = values["passages"] + values["tokens"]
    assert sum(value for name, value in contribution.items() if name not in parts) == pytest.approx(others, abs=1e-12)


def test_a_theme_of_stack_is_that_of_passages_times_its_coefficient(window: duckdb.DuckDBPyConnection) -> None:
    own, stacked = (
        window.table_function("why_peers", ["KO", "PEP", None, method]).pl().drop_nulls("score")
        for method in ("sae_passages", "stack")
    )
    assert len(own) > 3 and stacked["theme"].to_list() == own["theme"].to_list()
    expected = stack_worth(with_history=True)["passages"] * own["contribution"].to_numpy()
    assert stacked["contribution"].to_numpy() == pytest.approx(expected, abs=1e-12)
    assert stacked["passage_a"].to_list() == own["passage_a"].to_list()
    latents = window.table_function("why_latents", ["KO", "PEP", None, "stack"]).pl()
    values = stack_values(LATER, "KO", "PEP")
    for view in ("passages", "tokens"):
        assert latents.filter(view=view)["contribution"].sum() == pytest.approx(values[view], abs=1e-12)


def test_peers_by_stack_name_what_adds_most(window: duckdb.DuckDBPyConnection) -> None:
    peers = window.sql("from peers('KO', method := 'stack')").pl()
    assert peers["ticker"].to_list() == ["PEP", "XOM"]
    for ticker, similarity, reason in peers.select("ticker", "similarity", "reason").iter_rows():
        values = stack_values(LATER, "KO", ticker)
        assert similarity == pytest.approx(sum(values.values()), abs=1e-12)
        largest = sorted((part for part in values if part != "any_pair"), key=values.__getitem__)[:-4:-1]
        names = {"passages": "same themes", "words": "same words", "past": "moved together before"}
        names["tokens"] = "same latents of tokens"
        assert reason == " / ".join(names[part] for part in largest)


def test_groups_by_stack_name_no_peer_twice(tmp_path: Path) -> None:
    rows = lake()
    kept = rows["stack_parts"].filter(part="any_pair").rename({"neighbour_id": "peer_id"})
    grouped = kept.with_columns(method=pl.lit("stack")).select(rows["neighbours"].columns)
    with opened(rows | {"neighbours": pl.concat([rows["neighbours"], grouped])}, tmp_path) as window:
        assert window.sql("select ticker from peers('KO', method := 'stack')").fetchall() == [("PEP",), ("XOM",)]


@pytest.mark.parametrize("method", VECTORS)
def test_what_is_shown_has_a_measured_label_is_not_everywhere_and_stands_in_both_texts(
    window: duckdb.DuckDBPyConnection, method: str
) -> None:
    why = window.table_function("why_peers", ["KO", "PEP", None, method]).pl()
    own = range(FIRST[method], FIRST[method] + VECTORS[method].shape[1])
    assert set(why["theme"][:-1]) == {f"topic <{i}>" for i in SAID if i in own and i not in (IN_ONE_TEXT, FAINT)}
    assert why.filter(pl.col("theme") != "all others").null_count().row(0) == (0,) * 7
    assert why["score"][:-1].eq(0.7).all()
    other = window.table_function("why_peers", ["KO", "XOM", None, method]).pl()
    for latent in (IN_ONE_TEXT, FAINT):
        assert (f"topic <{latent}>" in other["theme"]) == (latent in own)


def test_the_shown_themes_are_those_of_the_rule(window: duckdb.DuckDBPyConnection) -> None:
    shown = window.view("shown_themes").pl()
    assert shown.columns == [
        *("as_of", "view", "entry", "block", "latent"),
        *("label", "terms", "detection_score", "companies", "share"),
    ]
    assert sorted(shown.filter(as_of=LATER)["latent"]) == SHOWN


def test_a_passage_with_a_word_of_the_theme_comes_before_a_stronger_one_without(
    window: duckdb.DuckDBPyConnection,
) -> None:
    why = window.sql("from why_peers('KO', 'PEP', method := 'sae_passages')").pl()
    passages = {theme: (a, b) for theme, a, b in why.select("theme", "passage_a", "passage_b").iter_rows()}
    assert passages["topic <1>"] == (WOKEN, WOKEN)
    assert f"topic <{WORDLESS}>" not in passages
    assert passages["all others"] == (None, None)


def test_latents_of_tokens_are_no_reason_however_well_a_label_tells_them(window: duckdb.DuckDBPyConnection) -> None:
    why = window.sql("from why_peers('KO', 'PEP', method := 'sae_tokens')").pl()
    assert why["theme"].to_list() == ["all others"] and why["latents"].to_list() == [LATENTS - THEMES]
    latents = window.sql("from why_latents('KO', 'PEP', method := 'sae_tokens')").pl()
    assert set(latents["label"]) == {f"topic <{i}>" for i in range(THEMES, LATENTS)} and not latents["shown"].any()
    for question in (
        "peers('KO', method := 'sae_tokens') where reason is not null",
        "evidence('KO', 'PEP', method := 'sae_tokens')",
        "themes_of('KO', method := 'sae_tokens')",
    ):
        assert window.sql(f"from {question}").fetchall() == [], question


def test_evidence_puts_passages_side_by_side_worded_ones_first(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("from evidence('KO', 'PEP', method := 'sae_passages')").pl()
    why = window.sql("from why_peers('KO', 'PEP', method := 'sae_passages')").pl()
    assert found["theme"].unique(maintain_order=True).to_list() == why["theme"][:-1].to_list()
    rows = found.filter(theme="topic <1>").select("rank", "passage_a", "passage_b").rows()
    assert rows == [
        (1, WOKEN, WOKEN),
        (2, CLOSE, CLOSE),
        (3, "At KO we refine crude oil [and more].", "At PEP we refine crude oil [and more]."),
    ]
    assert (
        found.filter(rank=1)
        .select("theme", "contribution", "passage_a")
        .equals(why[:-1].select("theme", "contribution", "passage_a"))
    )


def test_two_latents_of_one_name_are_one_theme(tmp_path: Path) -> None:
    same = pl.when(pl.col("latent").is_in([7, 8, 11])).then(pl.lit("drinks")).otherwise("label").alias("label")
    rows = lake()
    with opened(rows | {"latent_labels": rows["latent_labels"].with_columns(same)}, tmp_path) as window:
        why = window.sql("from why_peers('KO', 'PEP')").pl()
        peers = window.sql("from peers('KO')").pl()
        evidence = window.sql("from evidence('KO', 'PEP')").pl()
    products = weights()[0] * weights()[1]
    assert why["theme"].n_unique() == len(why)
    (drinks,) = why.filter(theme="drinks").iter_rows(named=True)
    assert drinks["contribution"] == pytest.approx(products[[7, 8, 11]].sum()) and drinks["latents"] == 3
    assert why["contribution"].sum() == pytest.approx(products.sum(), abs=1e-12)
    assert all(len(set(reason.split(" / "))) == 3 for reason in peers["reason"])
    assert evidence.filter(theme="drinks")["rank"].to_list() == [1, 2, 3]


def test_identifiers_are_there_for_who_asks(window: duckdb.DuckDBPyConnection) -> None:
    latents = window.sql("from why_latents('KO', 'PEP')").pl()
    products = weights()[0] * weights()[1]
    assert latents["latent"].to_list() == np.argsort(-products).tolist()
    assert latents["contribution"].to_numpy() == pytest.approx(np.sort(products)[::-1])
    assert sorted(latents.filter("shown")["latent"]) == [i for i in SAID if i not in (IN_ONE_TEXT, FAINT)]
    expected = "and sell soft drinks, syrups <script>alert('KO')</script> & snacks —"
    assert set(latents["phrase_a"]) == set(latents["phrase_b"]) == {expected}
    assert "latent" not in window.sql("from why_peers('KO', 'PEP')").columns


@pytest.mark.parametrize("method", VECTORS)
def test_peers_of_a_view_are_ranked_by_its_cosine(window: duckdb.DuckDBPyConnection, method: str) -> None:
    cosines = VECTORS[method] @ VECTORS[method][0]
    order = [i for i in np.argsort(-cosines) if i]
    peers = window.table_function("peers", ["KO", 3, None, method]).pl()
    assert peers["ticker"].to_list() == [TICKERS[i] for i in order[:3]]
    assert peers["similarity"].to_numpy() == pytest.approx(cosines[order[:3]], abs=1e-12)


def test_peers_have_no_reason_where_nothing_may_be_shown(tmp_path: Path) -> None:
    rows = lake()
    with opened(rows | {"themes": rows["themes"].clear()}, tmp_path) as window:
        peers = window.sql("from peers('KO')").pl()
        why = window.sql("from why_peers('KO', 'PEP')").pl()
    assert peers["reason"].to_list() == [None] * 5 and len(peers) == 5
    assert why["theme"].to_list() == ["all others"] and why["latents"].to_list() == [LATENTS]


def test_themes_of_a_company_are_shares_of_its_vector(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("from themes_of('KO', n := 4, method := 'sae_passages')").pl()
    squares = VECTORS["sae_passages"][0] ** 2
    strongest = [i for i in np.argsort(-squares) if i in SAID][:4]
    assert found["theme"].to_list() == [f"topic <{i}>" for i in strongest]
    assert found["share"].to_numpy() == pytest.approx(squares[strongest])
    assert set(found["passage"]) == {WOKEN}


def test_a_theme_is_not_said_of_a_company_whose_text_has_no_word_of_it(
    window: duckdb.DuckDBPyConnection,
) -> None:
    themes = {ticker: window.table_function("themes_of", [ticker, 20]).pl()["theme"] for ticker in ("KO", "PEP")}
    assert f"topic <{FAINT}>" in themes["KO"] and f"topic <{FAINT}>" not in themes["PEP"]
    bearers = window.sql(f"from companies_with('topic <{FAINT}>')").pl()["ticker"]
    assert sorted(bearers) == sorted({*TICKERS} - {"PEP"})
    (reason,) = window.sql("select reason from peers('KO', n := 20) where ticker = 'PEP'").fetchall()
    assert f"topic <{FAINT}>" not in reason[0]


def test_a_theme_is_found_by_its_label_its_terms_and_its_words(window: duckdb.DuckDBPyConnection) -> None:
    themes = {words: window.table_function("theme", [words]).pl()["theme"].to_list() for words in ("rum", "Topic 1")}
    assert len(themes["rum"]) == len(SHOWN) and themes["Topic 1"][0] == "topic <1>"
    for words in ("refinery", "SOFT and drinks", "crude-oil"):
        found = window.table_function("theme", [words]).pl()
        assert f"topic <{WORDLESS}>" not in found["theme"].to_list() and len(found) == len(SHOWN) - 1
    assert len(window.sql("from theme('')").pl()) == len(SHOWN)
    assert window.sql("from theme('zebra')").fetchall() == []


def test_companies_with_a_theme_come_by_its_share(window: duckdb.DuckDBPyConnection) -> None:
    found = window.sql("from companies_with('TOPIC <7>')").pl()
    order = np.argsort(-(weights()[:, 7] ** 2))
    assert found["ticker"].to_list() == [TICKERS[i] for i in order]
    assert found["share"].to_numpy() == pytest.approx(weights()[order, 7] ** 2)
    assert set(found["passage"]) == {WOKEN}


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("Crude  oil,\nturmoil", ["oil", "crude oil"], "[Crude oil], turmoil"),
        ("OIL oil refineries refine", ["oil", "refin*"], "[OIL] [oil] [refineries] [refine]"),
        ("Cafés in a café", ["café"], "[Cafés] in a [café]"),
        ("Natural gas, drink cans", ["natural", "natural gas", "drinks", "drink cans"], "[Natural gas], [drink cans]"),
        ("on-line and on line", ["on-line"], "[on-line] and [on line]"),
        ("U.S. (a+) \\1", ["u.s.", "(", "a+", "*"], "[U.S]. ([a]+) \\1"),
        ("nothing", [], "nothing"),
        ("", ["oil"], ""),
    ],
)
def test_whole_words_are_marked_in_any_case_and_alphabet(
    window: duckdb.DuckDBPyConnection, text: str, words: list[str], expected: str
) -> None:
    found = window.sql("select marked(?, word_pattern(?::varchar[]))", params=[text, words])
    assert found.fetchall() == [(expected,)]
