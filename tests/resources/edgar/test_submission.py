"""Headers and main documents of submissions: whole, only the beginning, damaged, or none at all."""

import gzip
from datetime import date

import pytest
from fakes.own_filings import EXPECTED, FOLDER
from fakes.tenk import real_file
from hypothesis import example, given
from hypothesis import strategies as st

from resources.edgar.submission import (
    Header,
    document_arrived,
    header,
    header_arrived,
    main_document,
    submission_ended,
)

REPORT = b"<DOCUMENT>\n<TYPE>10-K\n<SEQUENCE>2\n<TEXT>\nItem 1. Business\n</TEXT>\n</DOCUMENT>\n"
LETTER = b"<DOCUMENT>\n<TYPE>COVER\n<SEQUENCE>1\n<TEXT>\nDear Sirs\n</TEXT>\n</DOCUMENT>\n"
EXHIBIT = b"<DOCUMENT>\n<TYPE>EX-13\n<TEXT>\nTo our shareholders\n</TEXT>\n</DOCUMENT>\n"
PICTURE = (
    b"<DOCUMENT>\n<TYPE>10-K\n<FILENAME>a.pdf\n<TEXT>\n<PDF>\nbegin 644 a.pdf\nM)5!$\n</PDF></TEXT>\n</DOCUMENT>\n"
)
HEADER = b"""<SEC-DOCUMENT>0009000099-03-000001.txt : 20030401
<SEC-HEADER>0009000099-03-000001.hdr.sgml : 20030401
CONFORMED SUBMISSION TYPE:\t10-K405
CONFORMED PERIOD OF REPORT:\t20021231
FILED AS OF DATE:\t\t20030401

SUBJECT COMPANY:

\tCOMPANY DATA:
\t\tCOMPANY CONFORMED NAME:\t\tSOMEONE ELSE
\t\tCENTRAL INDEX KEY:\t\t0009000098
\t\tSTANDARD INDUSTRIAL CLASSIFICATION:\tRETAIL [5311]

FILER:

\tCOMPANY DATA:
\t\tCOMPANY CONFORMED NAME:\t\tEXAMPLE CO
\t\tCENTRAL INDEX KEY:\t\t9000099
\t\tSTANDARD INDUSTRIAL CLASSIFICATION:\tBREWERIES [2082]
\t\tFISCAL YEAR END:\t\t1231

\tFORMER COMPANY:
\t\tFORMER CONFORMED NAME:\tOLD EXAMPLE CO
</SEC-HEADER>
"""


def real(name: str) -> bytes:
    return real_file(f"tenk/{name}")


def test_only_filers_count_not_other_parties() -> None:
    assert header(HEADER) == Header(date(2002, 12, 31), (("0009000099", "2082"),))


def test_headers_since_1993_are_read() -> None:
    assert header(real("1993_ge_txt.txt")) == Header(date(1993, 12, 31), (("0000040545", "3600"),))
    assert header(real("2007_ksb_txt.txt")) == Header(date(2007, 12, 31), (("0001025315", "6770"),))


@pytest.mark.parametrize("accession", EXPECTED)
def test_own_headers_tell_sic_and_period(accession: str) -> None:
    expected = EXPECTED[accession]
    facts = header((FOLDER / expected.file).read_bytes())
    assert (facts.sic, facts.period) == (expected.sic, expected.period)


def test_each_co_registrant_has_a_code_of_its_own() -> None:
    facts = header((FOLDER / "xpwr_2003_10k.txt").read_bytes())
    assert facts.filers == (("0009000005", "4931"), ("0009000006", "4924"))
    assert (facts.sic_of("0009000006"), facts.sic_of("0000000001")) == ("4924", "4931")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("STANDARD INDUSTRIAL CLASSIFICATION:\tUNKNOWN SIC - 0000 [0000]", "sic"),
        ("STANDARD INDUSTRIAL CLASSIFICATION:\tBREWERIES", "sic"),
        ("CONFORMED PERIOD OF REPORT:\t20021350", "period"),
    ],
)
def test_an_invalid_value_is_none(line: str, field: str) -> None:
    name = line.partition(":")[0]
    changed = b"\n".join(line.encode() if name.encode() in old else old for old in HEADER.split(b"\n"))
    assert getattr(header(HEADER), field) is not None
    assert getattr(header(changed), field) is None


def test_a_document_without_header_has_no_facts() -> None:
    assert header(REPORT) == header(b"") == Header()


@given(st.binary(max_size=300), st.integers(0, len(HEADER)))
@example(b"\xef\xbb\xbf<DOCUMENT><TEXT>", 0)
@example("CENTRAL INDEX KEY:\t\u00b2\nFISCAL YEAR END:\t\u0661\u0662\u0663\u0661".encode(), 300)
def test_nothing_raises_whatever_the_bytes(junk: bytes, kept: int) -> None:
    content = HEADER[:kept] + junk + REPORT[:40] + junk
    assert isinstance(header(content), Header)
    assert isinstance(main_document(content), str)
    assert {type(ask(content)) for ask in (header_arrived, document_arrived, submission_ended)} == {bool}


def test_arrival_is_seen_at_the_last_byte_and_not_before() -> None:
    content = HEADER + LETTER + REPORT + EXHIBIT
    heads = [n for n in range(len(content) + 1) if header_arrived(content[:n])]
    documents = [n for n in range(len(content) + 1) if document_arrived(content[:n])]
    assert heads[0] == content.index(b"</SEC-HEADER>") + len(b"</SEC-HEADER>")
    assert documents[0] == len(HEADER + LETTER + REPORT) - 1
    assert documents == list(range(documents[0], len(content) + 1))


@pytest.mark.parametrize("name", ["1993_ge_txt.txt", "1997_ibm_txt.txt", "2007_ksb_txt.txt"])
def test_an_arrived_document_holds_the_whole_report(name: str) -> None:
    content = real(name)
    short = next(content[:n] for n in range(0, len(content), 8192) if document_arrived(content[:n]))
    assert len(short) < len(content)
    assert main_document(short) == main_document(content)
    assert header(short) == header(content)


def test_half_a_submission_has_not_ended() -> None:
    content = HEADER + REPORT + EXHIBIT
    assert submission_ended(content)
    assert not submission_ended(content[: len(HEADER + REPORT) - 10])
    assert submission_ended(HEADER + b"</SEC-DOCUMENT>\n")


def test_half_of_a_real_submission_has_not_ended() -> None:
    content = real("1993_ford_txt.txt")
    assert submission_ended(content)
    assert not submission_ended(content[: len(content) // 2])


@pytest.mark.parametrize("before", [b"", LETTER, EXHIBIT, PICTURE, LETTER + PICTURE + EXHIBIT])
def test_the_report_is_found_wherever_it_stands(before: bytes) -> None:
    assert main_document(HEADER + before + REPORT + EXHIBIT).strip() == "Item 1. Business"


@pytest.mark.parametrize(
    "content", [b"", PICTURE, HEADER + PICTURE, b"%PDF-1.4 Item 1", gzip.compress(REPORT, mtime=0), EXHIBIT]
)
def test_a_binary_document_is_never_the_report(content: bytes) -> None:
    assert main_document(content) == ""


def test_a_document_without_wrapping_is_the_report() -> None:
    assert main_document(b"<html>Item 1</html>") == "<html>Item 1</html>"
    assert main_document(HEADER + b"Item 1").strip() == "Item 1"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Nestlé’s".encode(), "Nestlé’s"),
        (b"Nestl\xe9\x92s", "Nestlé’s"),
        (b"a \x81 b", "a \ufffd b"),
        ("Nestlé".encode()[:-1], "Nestl"),
        (b"\xef\xbb\xbfItem", "Item"),
        (b"It\x00em\x08 1\tx\n", "Item 1\tx\n"),
    ],
)
def test_bytes_become_the_characters_they_were_meant_to_be(content: bytes, text: str) -> None:
    assert main_document(content) == text


def test_blank_lines_in_a_header_take_time_in_proportion_to_their_number() -> None:
    """With a pattern over the whole header, 40,000 of them took 18 seconds; these would take hours."""
    blank = HEADER.replace(b"FILER:\n", b"FILER:\n" + b"\n" * 900_000)
    spaced = HEADER.replace(b"EXAMPLE CO", b"EXAMPLE" + b" " * 900_000 + b"CO")
    assert header(blank) == header(spaced) == header(HEADER)


def test_a_header_is_read_no_further_than_headers_reach() -> None:
    endless = HEADER.replace(b"</SEC-HEADER>", b"A FIELD:\tx\n" * 2_000_000)
    assert header(endless) == header(HEADER)


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_a_header_with_other_line_ends_is_read(end: bytes) -> None:
    assert header(HEADER.replace(b"\n", end)) == header(HEADER)
