"""Wording that other companies had before: counted over companies, up to the day of filing."""

from datetime import date

import polars as pl
import pytest

from assets import schemas
from assets.passages.repeated import mark_repeated, wording

OWN = "We make {} and sell them to many shops in all parts of the country."
SHARED = "Our competitors have greater financial resources than we have in {}."


def tables(filings: list[tuple[str, str, int, list[str]]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Passages of kind text and descriptions, of filings (accession, company, day, passages)."""
    rows, texts = [], []
    for accession, company, day, passages in filings:
        text, at = "", 0
        for number, passage in enumerate(passages):
            at, text = len(text), f"{text}{passage} "
            place = {
                "passage": number,
                "start": at,
                "end": at + len(passage),
                "tokens": 9,
                "kind": "text",
                "rule": None,
            }
            rows.append({"accession": accession, "company_id": company, "filed_at": date(2004, 1, day), **place})
        texts.append({"accession": accession, "text": text})
    return schemas.PASSAGES.frame(rows), pl.DataFrame(texts)


def filing(number: int, day: int, company: str | None = None) -> tuple[str, str, int, list[str]]:
    thing = ["shoes", "pens", "cars", "beds", "toys", "hats"][number % 6]
    other = OWN.replace("shops", f"{thing} dealers").format(thing)
    own = [OWN.format(thing), other, SHARED.format(f"Town{number}, {2000 + number}")]
    return f"f{number}", company or f"c{number}", day, own


def marked(filings: list[tuple[str, str, int, list[str]]], repeated_in: int = 3) -> set[tuple[str, int]]:
    rows = mark_repeated(*tables(filings), repeated_in)
    assert rows.filter(pl.col("rule") == "repeated")["kind"].unique().to_list() in ([], ["boilerplate"])
    return set(rows.filter(pl.col("rule") == "repeated").select("accession", "passage").iter_rows())


def test_wording_leaves_out_names_figures_and_punctuation() -> None:
    assert (
        wording("In 2004, Acme Inc. had three plants; all of them run well.") == "had three plants all of them run well"
    )


def test_wording_that_is_mostly_names_is_nobody_elses() -> None:
    assert wording("It operates through four segments: Engine Products, Fastening Systems, and Forged Wheels.") == ""
    assert wording("It operates through four segments that serve makers of cars: A, B, C.").startswith(
        "operates through"
    )


def test_it_counts_other_companies_and_never_looks_ahead() -> None:
    filings = [filing(i, day=1 + i) for i in range(6)]
    assert marked(filings) == {(f"f{i}", 2) for i in (3, 4, 5)}
    assert marked(filings, repeated_in=5) == {("f5", 2)}


def test_a_later_filing_changes_no_earlier_one() -> None:
    filings = [filing(i, day=1 + i) for i in range(6)]
    for count in range(1, 6):
        assert marked(filings[:count]) == {one for one in marked(filings) if one[0] in {f"f{i}" for i in range(count)}}


def test_filings_of_one_day_know_each_other() -> None:
    assert marked([filing(i, day=1) for i in range(4)]) == {(f"f{i}", 2) for i in range(4)}


def test_one_company_that_files_again_is_one_company() -> None:
    assert marked([filing(i, day=1 + i, company="same" if i < 3 else None) for i in range(5)]) == set()


def test_a_copy_of_another_filing_keeps_its_words() -> None:
    """Funds of a family file one text under many names; without it they would have no description at all."""
    text = filing(0, day=1)[3]
    assert marked([(f"f{i}", f"c{i}", 1 + i, text) for i in range(6)]) == set()


def test_it_is_judged_anew_each_time() -> None:
    passages, descriptions = tables([filing(i, day=1 + i) for i in range(6)])
    once = mark_repeated(passages, descriptions, 3)
    assert mark_repeated(once, descriptions, 3).equals(once)
    assert mark_repeated(once, descriptions, 9).equals(passages)


@pytest.mark.parametrize("kind", ["list", "heading"])
def test_only_prose_can_be_repeated(kind: str) -> None:
    passages, descriptions = tables([filing(i, day=1) for i in range(6)])
    other = passages.with_columns(kind=pl.lit(kind))
    assert mark_repeated(other, descriptions, 3).equals(other)
