"""Item 1 of real and synthetic annual reports, against texts cut by hand and by another tool."""

import os
import re
from functools import cache
from pathlib import Path

import pytest
from cut_by_hand import HAND_CUTS, HandCut, cut
from fakes.own_filings import EXPECTED, FOLDER
from fakes.tenk import real_data, real_file
from rapidfuzz.distance import LCSseq

from assets.descriptions import item1 as module
from assets.descriptions.item1 import Item1, item1, letters, overlap
from resources.compute.workers import map_in_processes

TENK = Path(os.environ.get("PEERLENS_TESTDATA", "/nowhere")) / "tenk"
REPORTS = sorted(path.stem for path in TENK.glob("*.gz"))
QUICK = [name for name in REPORTS if name.endswith(".txt")] + [entry.file for entry in HAND_CUTS if TENK.is_dir()]
CLOSE = 0.97
EDGE = 200
FURNITURE = 50
"""Letters; the texts beside the reports may end with page furniture, such as `Table of Contents`; ours may not."""
FIRST_HEADING = re.compile(r"items?\s*1\b", re.IGNORECASE)
LATER_HEADING = re.compile(
    r"^\W*items?\s*(?:1\s*\W?[abc]|2)\b\W*(?:risk|unresolved|cyber|description|propert|$)", re.IGNORECASE | re.MULTILINE
)
STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xa0\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]| {2}|\n{3}")


def raw(name: str) -> bytes:
    return real_file(f"tenk/{name}")


@cache
def found(name: str) -> Item1:
    return item1(raw(name))


def beside(name: str) -> str:
    """The letters of the text that edgar-itemize alone, as shipped, makes of a report."""
    return letters(real_file(f"tenk/item1/{Path(name).stem}.item1.txt").decode())


def is_alike(mine: str, theirs: str) -> bool:
    """Whether 97 % of either text is in the other in the same order, and the same of the first and last 200 letters."""
    whole = LCSseq.normalized_similarity(mine, theirs)
    first = LCSseq.normalized_similarity(mine[:EDGE], theirs[:EDGE])
    last = LCSseq.similarity(mine[-EDGE:], theirs[-EDGE - FURNITURE :]) / EDGE
    return min(whole, first, last) >= CLOSE


def assert_is_item_1_and_nothing_else(text: str) -> None:
    assert FIRST_HEADING.match(text)
    assert LATER_HEADING.search(text) is None
    assert STRANGE.search(text) is None
    last = text.splitlines()[-1]
    assert len(letters(last)) > 20
    assert not re.search("table of contents", last, re.IGNORECASE)


@pytest.mark.parametrize("name", sorted(set(QUICK)))
def test_real_reports_give_the_stored_text(name: str) -> None:
    result = found(name)
    assert (result.quality, result.method, result.reason) == ("ok", "edgar-itemize", None)
    assert is_alike(letters(result.text), beside(name))
    assert_is_item_1_and_nothing_else(result.text)


@pytest.mark.parametrize("entry", HAND_CUTS, ids=lambda entry: entry.file)
def test_real_reports_give_the_text_that_was_cut_by_hand(entry: HandCut) -> None:
    mine, truth = letters(found(entry.file).text), letters(cut(raw(entry.file), entry))
    assert mine.startswith(entry.first)
    assert mine.endswith(entry.last)
    assert LCSseq.normalized_similarity(mine, truth) >= CLOSE
    assert LCSseq.normalized_similarity(mine[:EDGE], truth[:EDGE]) >= CLOSE
    assert LCSseq.normalized_similarity(mine[-EDGE:], truth[-EDGE:]) >= CLOSE


@pytest.mark.slow
def test_all_42_real_reports_give_item_1_and_at_least_41_the_text_beside_them() -> None:
    real_data()
    results = list(map_in_processes(found, REPORTS, 60))
    for result in results:
        assert isinstance(result, Item1), result.reason
        assert_is_item_1_and_nothing_else(result.text)
    alike = [
        is_alike(letters(r.text), beside(n)) for n, r in zip(REPORTS, results, strict=True) if isinstance(r, Item1)
    ]
    assert len(alike) == 42
    assert sum(alike) >= 41


@pytest.mark.parametrize("accession", EXPECTED)
def test_own_reports_give_what_was_written(accession: str) -> None:
    expected = EXPECTED[accession]
    result = item1((FOLDER / expected.file).read_bytes())
    assert (result.quality == "missing") == (expected.first is None)
    assert letters(result.text).startswith(letters(expected.first or ""))
    assert letters(result.text).endswith(letters(expected.last or ""))
    assert not [words for words in expected.never if words in result.text]
    assert result.quality == "ok" or result.reason


def test_a_reference_to_another_document_is_not_an_item_1() -> None:
    result = item1((FOLDER / "xbnk_1998_10k.txt").read_bytes())
    assert (result.text, result.quality) == ("", "missing")
    assert "refers to another document" in (result.reason or "")


def test_a_text_that_only_one_reader_finds_is_flagged() -> None:
    content = (
        (FOLDER / "xapp_2010_10kt.txt").read_bytes().replace(b">ITEM 1.&#160;&#160;&#160;BUSINESS", b">WHAT WE DO")
    )
    result = item1(content)
    assert (result.method, result.quality) == ("edgartools", "disagree")
    assert "edgar-itemize found no Item 1" in (result.reason or "")
    assert "Example Apparel Inc designs" in result.text


def test_a_text_without_an_end_is_flagged() -> None:
    content = (FOLDER / "xbev_1996_10k405.txt").read_bytes()
    result = item1(content[: content.rindex(b"ITEM 2.")])
    assert result.quality == "disagree"
    assert "runs to the end of the document" in (result.reason or "")


def test_a_short_text_is_called_short() -> None:
    result = item1(
        b"Item 1. Business\n\nThe Company owns a mill and sells flour to two bakers.\n\nItem 2. Properties\n\nOne.\n"
    )
    assert result.quality == "short"
    assert "The Company owns a mill" in result.text
    assert "characters are too few to describe a business" in (result.reason or "")


def test_a_heading_with_nothing_under_it_is_not_an_item_1() -> None:
    result = item1(b"Item 1. Business\n\nItem 2. Properties\n\nA mill.\n\nItem 3. Legal Proceedings\n\nNone.\n")
    assert result.quality == "missing"


def test_preformatted_html_is_read_as_plain_text() -> None:
    plain = (FOLDER / "xbev_1996_10k405.txt").read_bytes()
    wrapped = plain.replace(b"<TEXT>", b"<TEXT><HTML><BODY><PRE>").replace(b"</TEXT>", b"</PRE></BODY></HTML></TEXT>")
    assert item1(wrapped) == item1(plain)


def test_an_error_inside_a_library_becomes_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(module, "located", fails)
    html = item1((FOLDER / "xapp_2010_10kt.txt").read_bytes())
    assert (html.method, html.quality) == ("edgartools", "disagree")
    assert "edgar-itemize failed with RecursionError: too deep" in (html.reason or "")
    plain = item1((FOLDER / "xbev_1996_10k405.txt").read_bytes())
    assert (plain.quality, plain.reason) == ("missing", "edgar-itemize failed with RecursionError: too deep")


def test_an_error_in_our_own_code_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plain_text", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        item1((FOLDER / "xbev_1996_10k405.txt").read_bytes())


def test_a_report_too_long_to_be_read_twice_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CHARS_EDGARTOOLS", 100)
    result = item1((FOLDER / "xapp_2010_10kt.txt").read_bytes())
    assert (result.quality, result.overlap) == ("ok", None)
    assert "not confirmed: edgartools was skipped" in (result.reason or "")


def test_overlap_is_the_share_of_letters_in_the_same_order() -> None:
    assert overlap("Drinks & Snacks!", "drinks, snacks") == 1.0
    assert overlap("abcdefghij", "abcdefghi") == pytest.approx(0.9)
    assert overlap("abcde", "abcdeabcde") == pytest.approx(0.5)
    assert overlap("", "abc") == 0.0


@pytest.mark.parametrize(
    "heading", ["Items 1 and 2.", "Items 1. and 2.", "Item 1 and 2.", "Items 1 &amp; 2.", "Items 1, 2 and 3."]
)
def test_a_heading_of_several_items_is_not_a_disagreement(heading: str) -> None:
    words = "<p>We dig gold out of three mines in Nevada and sell it to a refinery in Utah.</p>" * 30
    body = f"<p><b>{heading} Business and Properties</b></p>{words}<p><b>Item 3. Legal Proceedings</b></p><p>None.</p>"
    found = item1(f"<html><body>{body}<p><b>Item 4. Submission of Matters</b></p><p>None.</p></body></html>".encode())
    assert (found.quality, found.text.count("Nevada")) == ("ok", 30)
    assert "Legal" not in found.text
