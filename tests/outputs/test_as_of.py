"""Peers, reasons and hedges of any as-of date and method, held against cosines and returns computed with numpy."""

from collections.abc import Iterator
from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest

from assets.outputs import FILE
from assets.outputs.warehouse import build_warehouse
from assets.sic import sic_groups
from resources.places import SQL
from tests.outputs.small_lake import (
    COMPANIES,
    EARLIER,
    IDS,
    LATER,
    NEAREST_BY_WORDS,
    SIMILARITIES,
    lake,
    weights,
    write,
)

TICKERS = list(COMPANIES)
THEN = weights()[:, ::-1]
"""Vectors at the earlier date."""


def dated_lake() -> dict[str, pl.DataFrame]:
    """The small lake, where PepsiCo has no vector and every code is another at the earlier date."""
    rows = lake()
    # PepsiCo had no description yet.
    then = (pl.col("as_of") == EARLIER) & (pl.col("company_id") == IDS["PEP"])
    return rows | {
        "company_vectors": rows["company_vectors"].filter(~then),
        "sic_groups": pl.concat([_codes_then(rows), rows["sic_groups"].filter(as_of=LATER)]),
    }


def _codes_then(rows: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Codes of the earlier date: all six companies were in the same group."""
    then = rows["sic_groups"].filter(as_of=EARLIER).select("company_id", "accession").with_columns(sic=pl.lit("7372"))
    return sic_groups(then).with_columns(as_of=pl.lit(EARLIER)).select(rows["sic_groups"].columns)


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("dated")
    build_warehouse(folder / FILE, folder, write(dated_lake(), folder), SQL, "")
    with duckdb.connect(str(folder / FILE), read_only=True) as window:
        yield window


@pytest.mark.parametrize("as_of", ["'2010-12'", "'2010-12-31'", "date '2010-12-31'", "timestamp '2010-12-31'"])
def test_peers_of_an_earlier_date_are_by_the_vectors_of_that_date(
    window: duckdb.DuckDBPyConnection, as_of: str
) -> None:
    peers = window.sql(f"from peers('KO', as_of := {as_of})").pl()
    cosines = THEN @ THEN[0]
    order = [i for i in np.argsort(-cosines) if TICKERS[i] not in ("KO", "PEP")]
    assert peers["ticker"].to_list() == [TICKERS[i] for i in order]
    assert peers["similarity"].to_numpy() == pytest.approx(cosines[order], abs=1e-12)


def test_codes_are_those_of_the_date(window: duckdb.DuckDBPyConnection) -> None:
    then, now = (window.sql(f"from peers('KO', as_of := '{as_of}')").pl() for as_of in ("2010-12", "2011-12"))
    assert set(then["sic"]) == {"7372"} and set(then["same_major_group"]) == {True}
    assert dict(now.select("ticker", "sic").iter_rows()) == {t: COMPANIES[t][2] for t in TICKERS[1:]}


def test_the_newest_date_is_the_default(window: duckdb.DuckDBPyConnection) -> None:
    for call in ("peers('KO'", "why_peers('KO', 'PEP'", "hedge_basket('KO'"):
        newest = window.sql(f"from {call})").pl()
        assert len(newest) > 0
        for as_of in ("null", "'2011-12'"):
            assert window.sql(f"from {call}, as_of := {as_of})").pl().equals(newest)


@pytest.mark.parametrize("as_of", [EARLIER, LATER])
def test_peers_of_another_method_are_its_neighbours(window: duckdb.DuckDBPyConnection, as_of: date) -> None:
    peers = window.table_function("peers", ["KO", 10, as_of, "tfidf"]).pl()
    assert peers["ticker"].to_list() == NEAREST_BY_WORDS[as_of]
    assert peers["similarity"].to_list() == SIMILARITIES
    assert peers["rank"].to_list() == [1, 2, 3]
    assert peers["reason"].to_list() == [None] * 3
    assert window.table_function("peers", ["KO", 2, as_of, "tfidf"]).pl().equals(peers[:2])


def test_sae_neighbours_as_stored_are_the_peers_computed(window: duckdb.DuckDBPyConnection) -> None:
    stored = dated_lake()["neighbours"].filter(method="sae", as_of=LATER, company_id=IDS["KO"]).sort("rank")
    peers = window.sql("from peers('KO')").pl()
    assert peers["company_id"].to_list() == stored["peer_id"].to_list()
    assert peers["similarity"].to_numpy() == pytest.approx(stored["similarity"].to_numpy(), abs=1e-12)


def test_reasons_of_an_earlier_date_add_up_to_its_cosine(window: duckdb.DuckDBPyConnection) -> None:
    why = window.sql("from why_peers('XOM', 'CVX', as_of := '2010-12')").pl()
    products = THEN[TICKERS.index("XOM")] * THEN[TICKERS.index("CVX")]
    assert why["contribution"].sum() == pytest.approx(products.sum(), abs=1e-12)
    latents = window.sql("from why_latents('XOM', 'CVX', as_of := '2010-12')").pl()
    assert latents["latent"].to_list() == np.argsort(-products).tolist()
    assert window.sql("from why_peers('KO', 'PEP', as_of := '2010-12')").fetchall() == []


def test_a_hedge_is_the_basket_of_its_date_and_method(window: duckdb.DuckDBPyConnection) -> None:
    for as_of, method, measured in (
        (EARLIER, "sae", "after 2010-12-31"),
        (LATER, "sae", "before 2011-12-31"),
        (EARLIER, "tfidf", "after 2010-12-31"),
    ):
        basket = window.table_function("hedge_basket", ["KO", 3, as_of, method]).pl()
        assert set(basket["measured"]) == {measured}
        near = lake()["neighbours"].filter(method=method, as_of=as_of, company_id=IDS["KO"])
        known = dict(near.select("peer_id", "similarity").rows())
        assert basket["similarity"].to_list() == [known.get(peer) for peer in basket["company_id"]]


DATES = "no peer groups as of {}; there are those of 2010-12, 2011-12"
NEAR = "method {} has no nearest companies; these have: sae, sae_passages, sae_tokens, stack, tfidf"
NOT_KEPT = (
    "method stack keeps reasons of nearest companies only, and these two are not among each other's; "
    "peers with method := 'stack' lists them"
)
BASKETS = "method {} has no fitted baskets; these have: sae, tfidf"
ADD_UP = "method {} has no reasons that add up to a similarity; sae, sae_passages and sae_tokens have"


@pytest.mark.parametrize("company", ["KO", "NONE"])
@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("peers(?, as_of := '2009-12')", DATES.format("2009-12")),
        ("peers(?, as_of := date '2011-12-30')", DATES.format("2011-12-30")),
        ("peers(?, as_of := '')", DATES.format("")),
        ("peers(?, as_of := '2009-12', method := 'tfidf')", DATES.format("2009-12")),
        ("why_peers(?, 'PEP', as_of := '2012-12')", DATES.format("2012-12")),
        ("why_peers('PEP', ?, as_of := '2012-12')", DATES.format("2012-12")),
        ("hedge_basket(?, as_of := '2009-12')", DATES.format("2009-12")),
        ("peers(?, method := 'sic4')", NEAR.format("sic4")),
        ("peers(?, method := null)", NEAR.format("null")),
        ("hedge_basket(?, method := 'nonsense')", BASKETS.format("nonsense")),
        ("why_peers(?, 'PEP', method := 'tfidf')", ADD_UP.format("tfidf")),
        ("why_peers(?, 'CVX', method := 'stack')", NOT_KEPT),
        ("evidence('CVX', ?, method := 'stack')", NOT_KEPT),
        ("themes_of(?, method := 'stack')", ADD_UP.format("stack")),
        ("why_peers(?, 'PEP', method := null)", ADD_UP.format("null")),
        ("why_latents(?, 'PEP', method := 'sic4')", ADD_UP.format("sic4")),
        ("evidence(?, 'PEP', as_of := '2009-12')", DATES.format("2009-12")),
        ("evidence(?, 'PEP', method := 'tfidf')", ADD_UP.format("tfidf")),
        ("themes_of(?, as_of := '2009-12')", DATES.format("2009-12")),
        ("themes_of(?, method := 'tfidf')", ADD_UP.format("tfidf")),
        ("theme(?, as_of := '2009-12')", DATES.format("2009-12")),
        ("companies_with(?, method := 'tfidf')", ADD_UP.format("tfidf")),
    ],
)
def test_what_is_not_there_is_an_error_that_says_what_is(
    window: duckdb.DuckDBPyConnection, company: str, call: str, says: str
) -> None:
    with pytest.raises(duckdb.InvalidInputException) as caught:
        window.sql(f"from {call.replace('?', repr(company))}").fetchall()
    assert str(caught.value) == f"Invalid Input Error: {says}"


def test_every_table_macro_has_a_worked_example() -> None:
    examples = "".join(file.read_text(encoding="utf-8") for file in SQL.glob("queries/*.sql"))
    macros = {file.stem for file in SQL.glob("macros/*.sql") if ") as table" in file.read_text(encoding="utf-8")}
    part_of_others = {"pair_evidence", "company_evidence", "theme_shares", "titled", "stack_pair"}
    assert {name for name in macros - part_of_others if f"from {name}(" not in examples} == set()
