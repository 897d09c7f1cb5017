"""Every filing becomes a text or a reason, and no document is read twice."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from toy_graph import make_all, toy_profile

from assets import schemas
from assets.descriptions import extraction
from assets.descriptions.assets import descriptions
from assets.descriptions.extraction import described, extract, extracted
from assets.descriptions.given_texts import given
from assets.descriptions.item1 import Item1
from pipelines.adopt import adopt
from resources.compute.workers import Failed
from resources.edgar.blobs import BlobError, BlobStore
from resources.lake.lake import Lake
from resources.lake.recipe import Declaration, Graph

STUB = "Item 1. Omitted."
TEXT = "Item 1. Business\n\n" + "We bake bread and sell it to shops in three states. " * 20
REPORT = (
    f"<DOCUMENT>\n<TYPE>10-K\n<TEXT>\n{TEXT}\nItem 2. Properties\n\nWe own an oven.\n</TEXT>\n</DOCUMENT>\n".encode()
)


def filings(*forms: str, **changed: object) -> pl.DataFrame:
    rows = [
        {
            "accession": f"000000000{n}-04-000001",
            "company_id": "0000000001",
            "form": form,
            "filed_at": date(2004, 3, n + 1),
            "period": date(2003, 12, 31),
            "tickers": [],
            "sha256": "x",
        }
        | changed
        for n, form in enumerate(forms)
    ]
    return schemas.FILINGS.frame(rows)


def found(quality: str, text: str = TEXT, reason: str | None = None) -> Item1:
    return Item1(text, "edgar-itemize", quality, reason)  # type: ignore[arg-type]


def test_a_text_has_its_reader_and_its_fiscal_year() -> None:
    texts, rejected = described(filings("10-K"), [found("disagree", reason="edgartools found 7 letters")], "edgar")
    (row,) = texts.rows(named=True)
    assert (row["method"], row["quality"], row["fiscal_year"]) == ("edgar-itemize", "disagree", 2003)
    assert (row["n_chars"], row["source"], row["doubt"]) == (len(TEXT), "edgar", "edgartools found 7 letters")
    assert rejected.is_empty()
    schemas.DESCRIPTIONS.validate(texts)


def test_without_a_period_the_year_is_that_of_filing() -> None:
    assert described(filings("10-K", period=None), [found("ok")], "edgar")[0]["fiscal_year"].to_list() == [2004]


@pytest.mark.parametrize(
    ("form", "outcome", "reason"),
    [
        (
            "10-K/A",
            found("disagree", STUB),
            "an amendment whose Item 1 has only 16 characters, so it replaces no text",
        ),
        ("10-K/A", found("short", STUB), "an amendment whose Item 1 has only 16 characters, so it replaces no text"),
        ("10-K", Failed("HTTP 404 Not Found"), "HTTP 404 Not Found"),
        ("10-K", found("missing", "", "edgar-itemize found no Item 1"), "edgar-itemize found no Item 1"),
        ("10-K/A", found("missing", "", "nothing"), "an amendment without an Item 1: nothing"),
    ],
)
def test_a_filing_without_a_text_has_a_reason(form: str, outcome: Item1 | Failed, reason: str) -> None:
    texts, rejected = described(filings(form), [outcome], "edgar")
    assert texts.is_empty()
    assert rejected["reason"].to_list() == [reason]


@pytest.mark.parametrize("quality", ["disagree", "short"])
def test_an_amendment_in_doubt_never_replaces_a_report(quality: str) -> None:
    report, amendment = found("ok"), found(quality, reason="nothing marks its end")
    texts, rejected = described(filings("10-K", "10-K405/A"), [report, amendment], "edgar")
    assert texts["quality"].to_list() == ["ok"]
    assert rejected["reason"].to_list() == [
        "an amendment whose Item 1 is in doubt (nothing marks its end), so it replaces no text"
    ]


@pytest.mark.parametrize(("form", "quality"), [("10-K", "short"), ("10-K/A", "ok"), ("10-K", "disagree")])
def test_a_short_original_and_an_amendment_with_an_item_1_are_texts(form: str, quality: str) -> None:
    assert described(filings(form), [found(quality)], "edgar")[0]["quality"].to_list() == [quality]


def test_a_document_is_read_once_per_code_version(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    sha256 = store.put(REPORT)
    first = extract((tmp_path, "v1", sha256))
    assert first.text.startswith("Item 1. Business")
    assert "oven" not in first.text
    (tmp_path / "blobs" / sha256[:2] / f"{sha256}.gz").unlink()
    assert extract((tmp_path, "v1", sha256)) == first
    with pytest.raises(BlobError, match="no such file"):
        extract((tmp_path, "v2", sha256))


def test_adopted_texts_are_those_that_were_there_when_a_later_body_needs_them(tmp_path: Path) -> None:
    """A new filing makes the year run; the other filings' texts stand under today's code and are not cut again."""
    sha256 = BlobStore(tmp_path / "edgar").put(REPORT)
    filed, lake = filings("10-K", sha256=sha256, name="Bakery"), Lake(tmp_path, "toy")

    def graph(code: str, reader: str) -> Graph:
        source = Declaration("filings", "toy", "", (schemas.FILINGS,), lambda b: b.write(schemas.FILINGS, filed), code)
        texts = replace(descriptions, code=reader, unit_code=reader, partitioning=None)
        profile = toy_profile(descriptions={"source": "edgar"})
        return Graph({"filings": source, "descriptions": texts}, profile, {})

    def text() -> str:
        known = lake.manifest("descriptions", None)
        assert known is not None
        return str(pl.read_parquet(lake.table_files(known, "descriptions"))["text"][0])

    make_all(graph("1", "one"), lake)
    assert BlobStore(tmp_path / "edgar").pointer(f"/item1/one/{sha256}")
    adopt(graph("1", "two"), lake, "descriptions", None)
    (tmp_path / "edgar" / "blobs" / sha256[:2] / f"{sha256}.gz").unlink()  # so that nobody can cut it again
    first, filed = text(), filed.with_columns(form=pl.lit("10-K405"))
    assert make_all(graph("2", "two"), lake) == {("filings", None), ("descriptions", None)}
    assert text() == first


def test_outcomes_keep_the_order_of_the_filings(tmp_path: Path) -> None:
    sha256 = BlobStore(tmp_path).put(REPORT)
    rows = filings("10-K", "10-K", "10-K").with_columns(
        sha256=pl.Series([sha256, None, sha256]), refused=pl.Series([None, "HTTP 410 Gone", None])
    )
    counted: list[int] = []
    outcomes = extracted(tmp_path, "v1", rows, counted.append)
    assert [type(outcome) for outcome in outcomes] == [Item1, Failed, Item1]
    assert outcomes[1] == Failed("HTTP 410 Gone")
    assert sum(counted) == 2


def test_given_texts_are_used_or_rejected() -> None:
    rows = filings("10-K", "10-K", "10-K")
    texts = pl.DataFrame({"accession": rows["accession"], "text": [TEXT, "Short text.", " "]})
    usable, rejected = given(rows, texts, "parquet")
    assert usable.select("quality", "method", "source").rows() == [
        ("ok", "given", "parquet"),
        ("short", "given", "parquet"),
    ]
    assert rejected["reason"].to_list() == ["the text is empty"]


def test_a_document_that_took_too_long_is_rejected_for_that_reason_and_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its text takes a second to cut: a report of a page may be cut before anybody looks at the time.
    sha256 = BlobStore(tmp_path).put(REPORT.replace(TEXT.encode(), TEXT.encode() + b"We bake bread.\n\n" * 50_000))
    rows = filings("10-K").with_columns(sha256=pl.Series([sha256]), refused=pl.Series([None], dtype=pl.String))
    slow = Failed("took longer than 0.001 s")
    monkeypatch.setattr(extraction, "DOCUMENT_TIMEOUT", 0.001)
    assert extracted(tmp_path, "v1", rows, lambda n: None) == [slow]
    monkeypatch.undo()
    assert extracted(tmp_path, "v1", rows, lambda n: None) == [slow]
    assert described(rows, [slow], "edgar")[1]["reason"].to_list() == ["took longer than 0.001 s"]
    (read,) = extracted(tmp_path, "v2", rows, lambda n: None)  # another version of the code may be faster
    assert isinstance(read, Item1)
