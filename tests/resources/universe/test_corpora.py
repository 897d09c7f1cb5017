"""EDGAR-CORPUS and the authors' set become one row per filing, dated so that nothing looks ahead, or are refused."""

import hashlib
import random
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from fakes.corpora import Row, authors_row, filing, lines, put
from fakes.hub_server import HubServer
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from resources.settings.descriptions import Descriptions
from resources.settings.profile import ProfileError
from resources.universe.corpora import corpus_fingerprint, read_authors, read_edgar_corpus
from resources.universe.table_source import COLUMNS

ACCESSION = "0000950144-94-000787"
SPLITS = [(1, "train"), (2, "validate"), (3, "test")]


def corpus(path: Path, *years: int) -> pl.DataFrame:
    return read_edgar_corpus(Descriptions(source="edgar_corpus", path=path), years, path.parent / "hub")


def authors(path: Path, *years: int) -> pl.DataFrame:
    return read_authors(Descriptions(source="authors", path=path), years, path.parent / "hub")


def refusal(path: Path, *years: int) -> str:
    with pytest.raises(ProfileError) as caught:
        corpus(path, *years)
    return str(caught.value)


@pytest.mark.parametrize("name", ["c.parquet", "c.jsonl", "c.jsonl.gz"])
def test_every_kind_of_file_gives_the_columns_of_the_universe(tmp_path: Path, name: str) -> None:
    file = put(tmp_path / name, filing(), filing("21344", text="Drinks."), filing("21344", "1994", "Later."))
    found = corpus(file, 1994)
    assert dict(found.schema) == COLUMNS
    assert found.select("accession", "company_id", "cik", "form", "name", "text").rows() == [
        ("corpus-21344-1993", "0000021344", "0000021344", "10-K", "CIK 21344", "Drinks."),
        ("corpus-718413-1993", "0000718413", "0000718413", "10-K", "CIK 718413", "A bank."),
    ]
    assert found["sha256"][1] == hashlib.sha256(b"A bank.").hexdigest()
    assert found.select("ticker", "sic", "exchange", "sector", "fiscal_year_end").null_count().row(0) == (2,) * 5


def test_a_report_counts_as_filed_at_the_end_of_the_year_after_its_fiscal_year(tmp_path: Path) -> None:
    found = corpus(put(tmp_path / "c.jsonl", filing(year="1993")), 1994)
    assert found.select("period", "filed_at").row(0) == (date(1993, 12, 31), date(1994, 12, 31))


@pytest.mark.parametrize(
    ("filename", "form", "filed"),
    [
        (f"100240_10K_1993_{ACCESSION}.txt", "10-K", 1994),
        (f"100240_10K405_1993_{ACCESSION}.htm", "10-K405", 1994),
        (f"100240_10K405A_1993_{ACCESSION}.htm", "10-K405/A", 1994),
        (f"1993/100240_10-KSB_1993_{ACCESSION}.json", "10-KSB", 1994),
        ("100240_10KT_1994_0000950144-94-000787.htm", "10-KT", 1994),
        ("100240_10K_1999_0000950144-00-000787.htm", "10-K", 2000),
        ("100240_10K_2003_0000950144-05-000787.htm", "10-K", None),
    ],
)
def test_accession_form_and_year_of_filing_come_from_the_name_where_it_tells(
    tmp_path: Path, filename: str, form: str, filed: int | None
) -> None:
    fiscal_year = int(filename.rpartition("_")[0][-4:])
    file = put(tmp_path / "c.jsonl", filing("100240", fiscal_year, filename=filename), filing("9", fiscal_year))
    found = corpus(file, filed or fiscal_year + 1).filter(cik="0000100240")
    accession = filename.rpartition(".")[0].rpartition("_")[2]
    expected = [(accession, form, date(filed, 12, 31))] if filed else []
    assert found.select("accession", "form", "filed_at").rows() == expected


def test_numbers_are_read_however_they_are_stored(tmp_path: Path) -> None:
    wanted = [("0000021344", date(2004, 12, 31))]
    for cik, year in ((21344, 2003), ("21344", "2003"), ("0000021344", 2003), (21344.0, 2003.0)):
        for name in ("c.parquet", "c.jsonl"):
            found = corpus(put(tmp_path / name, filing(cik, year)), 2004)
            assert found.select("company_id", "filed_at").rows() == wanted


def test_a_missing_text_is_empty_and_kept(tmp_path: Path) -> None:
    for name in ("c.parquet", "c.jsonl"):
        found = corpus(put(tmp_path / name, filing(text=None), filing("9", text="")), 1994)
        assert found["text"].to_list() == ["", ""]
        assert found["sha256"].null_count() == 0


def test_copies_of_a_report_become_one_row(tmp_path: Path) -> None:
    put(tmp_path / "c/a.jsonl", filing(), filing())
    put(tmp_path / "c/b.parquet", filing())
    assert corpus(tmp_path / "c", 1994).height == 1


@pytest.mark.parametrize("texts", [["Short.", "The longer text.", ""], ["", "The longer text."], ["The longer text."]])
def test_of_several_texts_of_one_report_the_longest_stays_in_whatever_order(tmp_path: Path, texts: list[str]) -> None:
    for number in range(3):
        random.Random(number).shuffle(texts)
        found = corpus(put(tmp_path / "c.jsonl", *(filing(text=text) for text in texts)), 1994)
        assert found["text"].to_list() == ["The longer text."]


def test_of_companies_that_file_together_the_first_by_number_stands_for_the_report(tmp_path: Path) -> None:
    name = "{}_10K_2002_0000891618-02-005524.htm"
    rows = [filing(cik, 2002, filename=name.format(cik)) for cik in (1000654, 1000564)]
    found = corpus(put(tmp_path / "c.jsonl", *rows), 2002)
    assert found.select("accession", "cik").rows() == [("0000891618-02-005524", "0001000564")]


def test_a_year_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    file = put(tmp_path / "c/c.jsonl", filing(year=1993), filing(year=1997))
    said = refusal(file, 1994, 2030)
    assert "no report that counts as filed in 2030; it has fiscal years 1993 to 1997" in said
    put(tmp_path / "d/2003/train.jsonl", filing(year=2003))
    assert "no report that counts as filed in 2030" in refusal(tmp_path / "d", 2030)


def test_two_years_of_one_company_keep_one_company_id(tmp_path: Path) -> None:
    rows = [authors_row(year=2004, __index_level_0__=17), authors_row(year=2005, __index_level_0__=99)]
    found = authors(put(tmp_path / "a.parquet", *rows), 2005, 2006)
    assert found.select("accession", "company_id", "filed_at", "period").rows() == [
        ("authors-320193-2004", "0000320193", date(2005, 12, 31), date(2004, 12, 31)),
        ("authors-320193-2005", "0000320193", date(2006, 12, 31), date(2005, 12, 31)),
    ]


def test_a_row_number_never_stands_for_a_company(tmp_path: Path) -> None:
    row = authors_row()
    del row["cik"]
    with pytest.raises(ProfileError, match=r"no column 'cik'.*__index_level_0__ numbers filings, not companies"):
        authors(put(tmp_path / "a.parquet", row), 2005)


def test_the_authors_set_tells_name_first_ticker_and_code(tmp_path: Path) -> None:
    rows = [
        authors_row(),
        authors_row(1652044, company_name="Alphabet", ticker=["GOOGL", "GOOG"], sic_code="7370"),
        authors_row(2, company_name=None, ticker=[], sic_code=None),
        authors_row(3, ticker=None, sic_code="100"),
    ]
    for name in ("a.parquet", "a.jsonl"):
        found = authors(put(tmp_path / name, *rows), 2005).sort("cik")
        assert dict(found.schema) == COLUMNS
        assert found.select("name", "ticker", "sic", "form").rows() == [
            ("CIK 2", None, None, "10-K"),
            ("Apple Inc.", None, "0100", "10-K"),
            ("Apple Inc.", "AAPL", "3571", "10-K"),
            ("Alphabet", "GOOGL", "7370", "10-K"),
        ]


@pytest.mark.parametrize("code", [3571, 3571.0, "3571", " 3571"])
def test_a_code_has_four_digits_however_it_is_stored(tmp_path: Path, code: object) -> None:
    file = put(tmp_path / "a.parquet", authors_row(sic_code=code), authors_row(2, sic_code=None))
    assert authors(file, 2005).sort("cik")["sic"].to_list() == [None, "3571"]


def test_a_ticker_that_is_no_list_is_taken_as_it_is(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.jsonl"):
        assert authors(put(tmp_path / name, authors_row(ticker="AAPL")), 2005)["ticker"].to_list() == ["AAPL"]


def test_the_hub_is_read_like_a_folder_and_nothing_but_data_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "eloukas/edgar-corpus"
    files = {f"{year}/{split}.jsonl": lines(filing(n, year)) for year in range(1993, 1999) for n, split in SPLITS}
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        commit = hub.push(name, {**files, "README.md": b"#", "edgar-corpus.py": b"raise SystemExit('run')"})
        source = Descriptions(source="edgar_corpus", hub=f"hf://datasets/{name}")
        found = read_edgar_corpus(source, [1995], tmp_path / "hub")
        assert found["accession"].to_list() == [f"corpus-{n}-1994" for n, _ in SPLITS]
        assert sorted(hub.downloads()) == sorted(path for path in files if path[:4] in {"1994", "1995"})
        assert corpus_fingerprint(source, [1995], tmp_path / "hub") == {"": commit}
        one_year = Descriptions(source="edgar_corpus", hub=f"hf://datasets/{name}@{commit}/1994")
        assert read_edgar_corpus(one_year, [1995], tmp_path / "hub").equals(found)
        with pytest.raises(ProfileError, match=r"descriptions.hub: .*edgar-corpus/2009: no .parquet, .jsonl"):
            read_edgar_corpus(
                Descriptions(source="edgar_corpus", hub=f"hf://datasets/{name}/2009"), [2010], tmp_path / "hub"
            )
        with pytest.raises(ProfileError, match="no report that counts as filed in 2010"):
            read_edgar_corpus(source, [2010], tmp_path / "hub")


accessions = st.one_of(st.none(), st.tuples(st.integers(2003, 2006), st.integers(1, 2)))


@st.composite
def filings(draw: st.DrawFn) -> tuple[Row, int, str]:
    """A row, the year on whose last day it counts as filed, and its accession."""
    cik, year = draw(st.integers(1, 3)), draw(st.integers(2003, 2005))
    text, numbered = draw(st.one_of(st.none(), st.text(max_size=5))), draw(accessions)
    if numbered is None:
        return filing(cik, year, text), year + 1, f"corpus-{cik}-{year}"
    accession = f"0000000001-{numbered[0] % 100:02}-{numbered[1]:06}"
    return filing(cik, year, text, filename=f"{cik}_10K_{year}_{accession}.htm"), numbered[0], accession


@settings(deadline=None, max_examples=60)
@given(st.lists(filings(), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_each_accession_is_one_row_whatever_the_order_and_the_kind_of_file(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[Row, int, str]], shuffle: random.Random
) -> None:
    drawn = [one for one in drawn if one[1] - int(str(one[0]["year"])) in {0, 1}]
    rows, years, folder = [row for row, _, _ in drawn], {year for _, year, _ in drawn}, tmp_path_factory.mktemp("c")
    assume(rows)
    found = corpus(put(folder / "c.jsonl", *rows), *years)
    shuffle.shuffle(rows)
    assert corpus(put(folder / "c.parquet", *rows), *years).equals(found)
    assert found["accession"].to_list() == sorted({accession for _, _, accession in drawn})
    assert set(found["filed_at"].dt.year()) == years
