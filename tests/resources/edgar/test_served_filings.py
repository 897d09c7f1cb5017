"""The filings that the fake EDGAR serves match the tables about them."""

import csv
import gzip
import html
import re
from collections import Counter
from itertools import chain

import pytest
from fakes.own_filings import EXPECTED, FOLDER, HOSTILE, Expected, own_companies, own_filings
from fakes.tenk import real_data, tenk_companies, tenk_filings

ITEM1_CHARS = 2500


def place(words: str | None, text: str) -> tuple[int, int]:
    """Where words stand in a text, by their letters alone; they have to stand there once."""
    letters = re.sub("[^a-z]", "", (words or "").lower())
    (found,) = re.finditer("[^a-z]*".join(letters), text.lower())
    return found.span()


def content(expected: Expected) -> bytes:
    return (FOLDER / expected.file).read_bytes()


def main_text(expected: Expected) -> str:
    """Plain text of the 10-K-like document, without any cleverness."""
    (document,) = re.findall(rb"<TYPE>10-K.*?<TEXT>(.*?)</TEXT>", content(expected), re.DOTALL)
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError:
        text = document.decode("cp1252")
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", text)).split())


@pytest.mark.parametrize("accession", EXPECTED)
def test_headers_say_what_the_truth_says(accession: str) -> None:
    expected = EXPECTED[accession]
    header = content(expected).split(b"</SEC-HEADER>")[0].decode()
    assert f"ACCESSION NUMBER:\t\t{accession}\n" in header
    assert f"CONFORMED PERIOD OF REPORT:\t{expected.period:%Y%m%d}\n" in header
    assert re.search(rf"STANDARD INDUSTRIAL CLASSIFICATION:\t.*\[{expected.sic}\]\n", header)


@pytest.mark.parametrize("accession", [a for a, e in EXPECTED.items() if e.first])
def test_item_1_is_long_enough_and_stands_before_the_next_item(accession: str) -> None:
    text = main_text(EXPECTED[accession])
    start, _ = place(EXPECTED[accession].first, text)
    _, end = place(EXPECTED[accession].last, text)
    assert end - start >= ITEM1_CHARS
    assert re.match(r"[\s\d.]*(Table of Contents )?item (2|3|1a)\.", text[end:], re.IGNORECASE)


@pytest.mark.parametrize("accession", EXPECTED)
def test_no_document_is_long(accession: str) -> None:
    assert 3_000 < len(content(EXPECTED[accession])) < 12_000


def test_symbols_are_those_tagged_on_the_cover() -> None:
    for expected in EXPECTED.values():
        tagged = re.findall(rb'name="dei:TradingSymbol"[^>]*>([^<]*)<', content(expected))
        assert tuple(symbol.decode() for symbol in tagged) == expected.symbols


def test_every_file_is_served_and_every_registrant_has_a_company() -> None:
    filings = own_filings()
    assert {file.name for file in FOLDER.iterdir()} == {expected.file for expected in EXPECTED.values()}
    assert {filing.accession for filing in filings} == set(EXPECTED)
    assert {filing.cik for filing in filings} == {company.cik for company in own_companies()}
    assert len(filings) == len(EXPECTED) + 2  # one pair of registrants, in two years


def test_two_companies_file_in_2003_and_2004_and_say_something_new() -> None:
    years: dict[int, set[int]] = {}
    for filing in own_filings():
        years.setdefault(filing.cik, set()).add(filing.filed_at.year)
    assert [cik for cik, filed in years.items() if {2003, 2004} <= filed] == [9000005, 9000006, 9000004]
    assert main_text(EXPECTED["0009000004-03-000002"]) != main_text(EXPECTED["0009000004-04-000002"])


def test_the_hostile_company_is_hostile_in_name_ticker_and_text() -> None:
    company = own_companies()[-1]
    assert company.tickers == (HOSTILE,)
    assert own_filings_of(company.cik)[0].endswith(HOSTILE)
    raw = content(EXPECTED["0009000012-15-000001"])
    for trap in (b"<script>", b"onclick=", b"<!ENTITY lol9", b"../../etc/passwd", b"\x00", "\u202e".encode()):
        assert trap in raw


def own_filings_of(cik: int) -> list[str]:
    return [filing.name for filing in own_filings() if filing.cik == cik]


def test_real_reports_are_served_whole_with_the_facts_of_the_manifest() -> None:
    folder = real_data() / "tenk"
    with (folder / "manifest.csv").open(newline="") as manifest:
        rows = list(csv.DictReader(manifest))
    for row, filing in zip(rows, tenk_filings(), strict=True):
        raw = gzip.decompress((folder / f"{row['file']}.gz").read_bytes())
        assert raw.strip() in filing.content
        assert f"ACCESSION NUMBER:\t\t{filing.accession}\n".encode() in filing.content
        assert f"REPORT:\t{row['period_of_report'].replace('-', '')}\n".encode() in filing.content
        assert not row["cik"] or filing.cik == int(row["cik"])
        assert filing.form == row["form"]


def test_wrapped_real_reports_have_known_accessions_or_unmistakable_ones() -> None:
    filings = tenk_filings()
    assert len({filing.accession for filing in filings}) == len(filings) == 42
    prefixes = Counter(filing.accession[:10] == "9999999999" for filing in filings)
    assert prefixes == {True: 32, False: 10}
    assert {"0000950153-99-001234", "0001193125-10-073212", "0000037996-02-000015"} < {f.accession for f in filings}


def test_real_companies_carry_tickers_that_edgar_lists() -> None:
    listed = gzip.decompress((real_data() / "edgar_api" / "company_tickers_exchange.json.gz").read_bytes()).decode()
    companies = tenk_companies()
    tickers = list(chain.from_iterable(company.tickers for company in companies))
    assert {"AAPL", "KO", "F", "HWM"} <= set(tickers)
    assert len(tickers) == len(set(tickers)) == 26
    for company in companies:
        for ticker in company.tickers:
            assert re.search(rf'\[{company.cik},"[^"]*","{ticker}","{company.exchange}"\]', listed)
