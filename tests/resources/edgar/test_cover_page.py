"""Symbols on real and synthetic covers; whatever the mark-up, only strings that look like tickers are returned."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.edgar.cover_page import TICKER, trading_symbols

TESTDATA = os.environ.get("PEERLENS_TESTDATA")
ON_REAL_COVERS = {
    "2020_hd_ixbrl": {"HD"},
    "2021_sdon_ixbrl": {"SDON"},
    "2023_nvda_ixbrl": {"NVDA"},
    "2024_amzn_ixbrl": {"AMZN"},
    "2024_ibm_ixbrl": {"IBM"},
    "2024_ko_ixbrl": {"KO", "KO26"},
    "2024_meta_ixbrl": {"META"},
    "2024_nvda_ixbrl": {"NVDA"},
    "2024_unh_ixbrl": {"UNH"},
    "2024_v_ixbrl": {"V", "V26"},
    "2024_wfc_ixbrl": {"WFC", "WFC.PRL"},
    "2025_nke_ixbrl": {"NKE"},
    "2025_pg_ixbrl": {"PG", "PG26D"},
    "2025_wmt_ixbrl": {"WMT", "WMT26"},
}
real = pytest.mark.skipif(not TESTDATA, reason="PEERLENS_TESTDATA is not set")


def real_document(name: str) -> str:
    assert TESTDATA
    return gzip.decompress((Path(TESTDATA) / "tenk" / f"{name}.htm.gz").read_bytes()).decode(errors="replace")


def cover(content: str, attributes: str = "") -> str:
    fact = f'<ix:nonNumeric contextRef="c-1" name="dei:TradingSymbol" id="f-17"{attributes}>{content}</ix:nonNumeric>'
    other = '<ix:nonNumeric name="dei:Security12bTitle" contextRef="c-1">Common Stock</ix:nonNumeric>'
    return f"<html><body><table><tr><td>{other}</td><td><span>{fact}</span></td></tr></table></body></html>"


@real
@pytest.mark.parametrize("name", ON_REAL_COVERS)
def test_real_covers_name_their_company(name: str) -> None:
    found = trading_symbols(real_document(name))
    assert found == sorted(set(found))
    assert set(found) >= ON_REAL_COVERS[name]
    assert all(symbol.startswith(min(ON_REAL_COVERS[name], key=len)) for symbol in found)


@real
@pytest.mark.parametrize("name", ["2010_wmt_html", "2017_jnj_html", "2019_sgrp_html"])
def test_reports_without_inline_xbrl_name_nothing(name: str) -> None:
    assert trading_symbols(real_document(name)) == []


@real
def test_the_symbol_is_found_in_four_megabytes() -> None:
    assert "KO" in trading_symbols(real_document("2024_ko_ixbrl"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("AAPL", ["AAPL"]),
        (" aapl\n ", ["AAPL"]),
        ("<span style='font-weight:700'>BRK.A</span>", ["BRK.A"]),
        ("<b>BF</b>-<i>B</i>", ["BF-B"]),
        ('<ix:nonNumeric contextRef="c-3" name="dei:TradingSymbol" id="f-19">IBM</ix:nonNumeric>', ["IBM"]),
        ("K<!-- page 1 -->O", ["KO"]),
        ("NYSE: KO", ["KO"]),
        ("NASDAQ:GOOG, NASDAQ:GOOGL", ["GOOG", "GOOGL"]),
        ("<div>GOOGL</div><div>GOOG</div>", ["GOOG", "GOOGL"]),
        ("BRK.A<br/>BRK.B", ["BRK.A", "BRK.B"]),
        ("&#8220;KO&#8221;", ["KO"]),
        ("KO<sup>(1)</sup>", ["KO"]),
        ("KO (NYSE)", ["KO"]),
        ("(KO)", ["KO"]),
        ("&nbsp;V&nbsp;", ["V"]),
        ("K\u200bO", ["KO"]),
        ("N/A", []),
        ("n/a", []),
        ("None", []),
        ("NONE.", []),
        ("Not applicable", []),
        ("&#8212;", []),
        ("-", []),
        ("", []),
        ("&nbsp;", []),
        ("IBM 25A", []),
        ("ABCDEFGHIJK", []),
        ("<script>document.title</script>", []),
        ("&lt;script&gt;", []),
        ("../../etc/passwd", []),
        ("ＡＡＰＬ", []),
        ("ß", []),
        ("КО", []),
        ("'; drop table tickers", []),
    ],
)
def test_only_what_looks_like_a_ticker_comes_out(content: str, expected: list[str]) -> None:
    assert trading_symbols(cover(content)) == expected


def test_several_share_classes_are_sorted_and_unique() -> None:
    assert trading_symbols(cover("GOOGL") + cover("GOOG") + cover("GOOGL")) == ["GOOG", "GOOGL"]


def test_tags_are_found_in_any_case_and_with_either_quote() -> None:
    assert trading_symbols("<ix:nonnumeric id='a' name='dei:TradingSymbol' contextref='b'>HD</ix:nonnumeric>") == ["HD"]


@pytest.mark.parametrize(
    "document",
    [
        "<p>Trading symbol: KO, tagged as dei:TradingSymbol</p>",
        '<ix:nonNumeric name="dei:SecurityExchangeName" id="TradingSymbol">NYSE</ix:nonNumeric>',
        '<ix:nonNumeric name="dei:TradingSymbolOfOldTimes">KO</ix:nonNumeric>',
        '<ix:nonFraction name="dei:TradingSymbol">KO</ix:nonFraction>',
        '<ix:nonNumeric name="dei:TradingSymbol" xsi:nil="true"/><td>KO</td>',
        '<ix:nonNumeric name="dei:TradingSymbol">KO</td>' + "x" * 10_000,
        f"<!-- {cover('KO')} -->",
        f"<!-- never closed {cover('KO')}",
        'TradingSymbol name="dei:TradingSymbol">KO</ix:nonNumeric>',
    ],
)
def test_symbols_that_are_not_tagged_are_ignored(document: str) -> None:
    assert trading_symbols(document) == []


@pytest.mark.parametrize(
    "document",
    [
        '<ix:nonNumeric name="dei:TradingSymbol">' * 100_000,
        "<!--" * 1_000_000 + "TradingSymbol",
        cover("A") * 12_000,
        "<" * 2_000_000 + "TradingSymbol" * 1_000,
        "<ix:nonNumeric " + "TradingSymbol " * 300_000,
        ("<ix:nonNumeric name='dei:TradingSymbol'" + " " * 3900) * 1_000,
        "<ix:nonNumeric " + "name='" * 600_000 + "dei:TradingSymbol",
    ],
    ids=["nested", "comments", "repeated", "brackets", "open tag", "blanks", "names"],
)
def test_four_hostile_megabytes_come_to_an_end(document: str) -> None:
    assert set(trading_symbols(document)) <= {"A"}


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_every_symbol_looks_like_a_ticker(content: str) -> None:
    found = trading_symbols(cover(content))
    assert all(TICKER.fullmatch(symbol) for symbol in found)
    assert found == sorted(set(found))


@settings(deadline=None)
@given(st.from_regex(r"[A-Z]{2,5}(\.[A-Z])?", fullmatch=True).filter(lambda s: s not in {"NA", "NONE", "NIL", "NULL"}))
def test_a_plain_symbol_comes_out_as_it_is(symbol: str) -> None:
    assert trading_symbols(cover(symbol)) == [symbol]
