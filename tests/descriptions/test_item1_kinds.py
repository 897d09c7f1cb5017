"""Every kind of report that was read wrong once: a true Item 1, whole and with nothing else, or a reason."""

import re
import time
from collections.abc import Callable

import pytest
from made_up import AFTER, CONTENTS, LATER, MILLS, OVEN, PROPERTIES, SUITS, mills, page, plain

from assets.descriptions.item1 import item1, with_line_feeds

BOTH = pytest.mark.parametrize("written", [plain, page])
Written = Callable[[list[str]], bytes]

HEADINGS = [
    ("Item l. Business", "Item 2. Properties"),
    ("ITEM L.  BUSINESS", "ITEM 2.  PROPERTIES"),
    ("ITEM ONE - BUSINESS", "ITEM TWO - PROPERTIES"),
    ("Item One\nBusiness", "Item Two\nProperties"),
    ("I T E M 1. BUSINESS", "I T E M 2. PROPERTIES"),
    ("I T E M  1.  B U S I N E S S", "I T E M  2.  P R O P E R T I E S"),
    ("Item #1. Business", "Item #2. Properties"),
    ("ITEM NO. 1 BUSINESS", "ITEM NO. 2 PROPERTIES"),
    ("Item (1). Business", "Item (2). Properties"),
    ("Item I. Business", "Item II. Properties"),
    ("ITEM I - BUSINESS", "ITEM 2 - PROPERTIES"),
    ("Item 1 - General Description of Business", "Item 2 - Description of Properties"),
    ("ITEM 1(a). GENERAL DEVELOPMENT OF BUSINESS", "ITEM 2. PROPERTIES"),
    ("BUSINESS", "PROPERTIES"),
    ("1. BUSINESS", "2. PROPERTIES"),
]
COMBINED = [
    "Item 1. Business\nand\nItem 2. Properties",
    "Item 1. Business\nItem 2. Properties",
    "ITEM 1. BUSINESS AND\nITEM 2. PROPERTIES",
    "Items 1 & 2.\nBusiness and Properties",
    "Items l and 2. Business and Properties",
    "Item 1: Business; Item 2: Properties",
]
INDEX = (
    "FORM 10-K CROSS-REFERENCE INDEX\n\nPART I\n\nItem 1. Business\n   General Development of Business     12-15\n"
    "   Narrative Description of Business   16, 18-20\n   Foreign Operations                  44\n"
    "Item 2. Properties                     21\nItem 3. Legal Proceedings              21-22\n"
    "Item 4. Submission of Matters          --\nPART II\nItem 5. Market for Registrant's Equity 50"
)
POINTERS = [
    "Incorporated by reference.",
    "See pages 4 to 12 of the Annual Report.",
    "The information required by this item is incorporated by reference to pages 4 to 18 of the 1995 Annual Report.",
    'Reference is made to the section entitled "Business" in the Registrant\'s Annual Report, filed as Exhibit 13.',
    'The information called for by Item 1 appears under the caption "Business" on pages 1 to 9 of Exhibit 13.',
    "Information about the business of the Company is set forth on pages 2 through 11 of the Annual Report.",
]


def assert_whole(content: bytes, quality: str = "ok") -> str:
    """Every mill is in the text once, and nothing of a later item."""
    found = item1(content)
    assert found.quality == quality, found.reason
    assert re.findall(r"Mill (\d+) is run", found.text) == [str(n) for n in range(MILLS)]
    assert OVEN not in found.text
    assert SUITS not in found.text
    return found.text


@BOTH
@pytest.mark.parametrize(("heading", "following"), HEADINGS)
def test_a_heading_is_read_however_it_is_written(written: Written, heading: str, following: str) -> None:
    legal = LATER if heading.lower().startswith(("i t", "item")) else ["LEGAL PROCEEDINGS", SUITS, *LATER[4:]]
    text = assert_whole(written(["PART I", heading, *mills(), following, OVEN, *legal]))
    assert text.startswith(" ".join(heading.partition("\n")[0].split()))


@BOTH
@pytest.mark.parametrize("heading", COMBINED)
def test_headings_in_a_row_over_one_text_are_one(written: Written, heading: str) -> None:
    assert_whole(written(["PART I", heading, *mills(), *LATER]))


@pytest.mark.parametrize(("heading", "following"), HEADINGS[:10])
def test_a_table_of_contents_is_no_item_1(heading: str, following: str) -> None:
    body = ["PART I", heading, *mills(), following, OVEN, *LATER]
    assert_whole(plain([CONTENTS, "<PAGE>", *body]))


def test_a_bare_heading_far_below_the_contents_is_in_doubt() -> None:
    report = ["MILLS INC.", "BUSINESS", *mills(), "PROPERTIES", OVEN, "LEGAL PROCEEDINGS", SUITS]
    assert_whole(plain(report), "disagree")


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\r\r\n"])
def test_any_line_ends_are_read(end: bytes) -> None:
    lines = plain(["PART I", "Item 1. Business", *mills(), *AFTER])
    assert item1(lines.replace(b"\n", end)) == item1(lines)


@BOTH
def test_an_index_of_another_document_is_rejected(written: Written) -> None:
    found = item1(written([INDEX, *mills()]))
    assert (found.text, found.quality) == ("", "missing")
    assert "index of another document" in (found.reason or "")


@BOTH
def test_a_real_heading_after_an_index_is_found(written: Written) -> None:
    assert_whole(written([INDEX, "PART I", "Item 1. Business", *mills(), *AFTER]))


@BOTH
@pytest.mark.parametrize("pointer", POINTERS)
def test_a_text_that_only_points_elsewhere_is_rejected(written: Written, pointer: str) -> None:
    assert item1(written(["PART I", "Item 1. Business", pointer, *AFTER])).quality == "missing"


def test_a_long_text_that_says_little_itself_is_short() -> None:
    pointers = [
        f"Reference is made to the section on {name} in the Annual Report, pages 4 to 9, which is told there in full."
        for name in ("flour", "wheat", "rye", "bran", "bakers", "mills", "rivers", "prices", "people", "Ohio")
    ]
    found = item1(plain(["PART I", "Item 1. Business", *pointers, *AFTER]))
    assert found.quality == "short"
    assert "point to no other place" in (found.reason or "")


@pytest.mark.parametrize("running", ["Item 1. Business - Continued", "Item 1. Business (cont'd)", "Item 1. Business"])
def test_segments_under_a_running_header_belong_together(running: str) -> None:
    pages = [f"{part}\n\n{number}\n<PAGE>\nMILLS INC.\n{running}" for number, part in enumerate(mills(), 1)]
    text = assert_whole(plain(["PART I", "Item 1. Business", *pages, *AFTER]))
    assert text.count("Item 1. Business") == 1


@pytest.mark.parametrize("first", ["ITEM 1. BUSINESS", "ITEM 1. BUSINESS\nItem 1. Business"])
def test_running_headers_of_pages_bound_the_text(first: str) -> None:
    body = [line for part in mills() for line in ("PART I", "ITEM 1. BUSINESS", part)]
    risks = [line for risk in range(5) for line in ("PART I", "ITEM 1A. RISK FACTORS", f"Risk {risk} is high. " * 30)]
    text = assert_whole(page(["PART I", first, *body[2:], *risks, *AFTER]))
    assert "Risk" not in text


@pytest.mark.parametrize(
    "title", ["Amendment to include Exhibit 27", "Financial Statements", "Legal Proceedings", "EXHIBITS"]
)
def test_an_item_1_of_another_kind_is_rejected(title: str) -> None:
    signed = "Pursuant to the requirements of the law the registrant has signed this. " * 9
    found = item1(plain([f"ITEM 1. {title}", "The thing is filed with this.", "SIGNATURES", signed]))
    assert (found.quality, found.text) == ("missing", "")
    assert "describes no business" in (found.reason or "")


def test_an_item_that_a_sentence_mentions_at_a_line_start_ends_nothing() -> None:
    mention = "Prices are told in the text of Part II,\nItem 7. Management's Discussion and Analysis, and nowhere else."
    assert_whole(plain(["PART I", "Item 1. Business", *mills()[:4], mention, *mills()[4:], *AFTER]))


@pytest.mark.parametrize("before", range(4_085, 4_100))
def test_a_page_mark_at_the_end_of_the_piece_that_is_sniffed_is_no_tag(before: int) -> None:
    report = plain(["PART I", "Item 1. Business", *mills(), *AFTER]).partition(b"<TEXT>")
    cover = b"A cover\n" * 600
    assert_whole(report[0] + report[1] + cover[:before] + b"\n<PAGE>\n" + report[2])


def test_one_stray_byte_changes_no_other_character() -> None:
    report = plain(["PART I", "Item 1. Business", "We sell “crème brûlée” — and bread.", *mills(), *AFTER])
    text = assert_whole(report.replace(b"bread", b"baker\x92s bread"))
    assert "We sell “crème brûlée” — and baker’s bread." in text


LONG = {
    "blank lines": "\n",
    "returns": "\r",
    "blanks": " ",
    "headings": "Item 1. Business\n\nItem 2. Properties\n\nItem 5. Market\n\n",
    "continuations": "Item 1. Business (continued)\n\nItem 5. Market for\n\n",
    "bare headings": "PART I\nBUSINESS\n\nPROPERTIES\n\nLEGAL PROCEEDINGS\n\n",
    "tags": "<PAGE ",
    "periods": ". ",
    "pages": "see pages 1-2 ",
    "hyphens": "a-\n",
    "letters": "I T E M ",
    "references": "incorporated ",
}


@pytest.mark.slow
@pytest.mark.parametrize("unit", LONG.values(), ids=LONG)
def test_reading_time_grows_with_the_document_and_no_faster(unit: str) -> None:
    def seconds(length: int) -> float:
        body = f"PART I\n\nItem 1. Business\n\nWe own mills. {unit * (length // len(unit))}"
        content = (body + "\n\n" + "\n\n".join(AFTER)).encode()
        started = time.process_time()
        item1(content)
        return time.process_time() - started

    seconds(10_000)
    # Eight times the text in 64 times the time would be quadratic; below a second nothing can be told.
    assert seconds(400_000) < max(1.0, 30 * seconds(50_000))


def test_a_run_of_returns_is_read_once() -> None:
    assert with_line_feeds("a\r\n\r\nb\r\rc\r\r\nd") == "a\n\nb\n\nc\nd"


def test_the_text_between_item_2_and_3_stays_outside() -> None:
    assert PROPERTIES[1] not in assert_whole(plain(["PART I", "Item 1. Business", *mills(), *AFTER]))


@BOTH
@pytest.mark.parametrize(
    "mention",
    [
        "Item 2. Properties describes our ovens in detail, and anyone may ask for a copy of it at the mills.",
        "Item 2. Properties contains a list of ovens.",
        "Item 2, Properties, lists our ovens.",
    ],
)
def test_a_sentence_that_begins_with_a_later_item_ends_nothing(written: Written, mention: str) -> None:
    assert mention in assert_whole(written(["Item 1. Business", *mills()[:4], mention, *mills()[4:], *AFTER]))


@BOTH
def test_a_running_header_at_the_foot_of_the_last_page_is_left_out(written: Written) -> None:
    pages = [line for n, mill in enumerate(mills(), 2) for line in (mill, str(n), "PART I", "ITEM 1. BUSINESS")]
    assert assert_whole(written(["PART I", "Item 1. Business", *pages, *AFTER])).endswith("by its own people.")


@BOTH
@pytest.mark.parametrize(
    "pointer",
    [
        "Information regarding topic {} may be located at page 7 of the Company's Annual Report to Shareholders.",
        "Our part {} is told in the section Markets on pages 9 and 10 of the Annual Report, which is part of this.",
        "The response to part {} of this item is submitted as a separate section of this report, which comes last.",
    ],
)
def test_a_long_text_of_pointers_is_never_ok(written: Written, pointer: str) -> None:
    found = item1(written(["Item 1. Business", *(pointer.format(n) for n in range(20)), *AFTER]))
    assert found.quality == "short" and "point to no other place" in str(found.reason)


@BOTH
def test_the_reports_of_two_companies_bound_together_are_in_doubt(written: Written) -> None:
    """The longer one may be the subsidiary's: taken for the parent's, it would give it another company's peers."""
    ovens = [f"Oven {n} bakes bread for the towns in the valley and sells it to their shops. " * 12 for n in range(9)]
    bound = ["PART I", "Item 1. Business", *mills(), *AFTER, "ANNUAL REPORT OF THE BAKERY", "Item 1. Business", *ovens]
    found = item1(written([*bound, *AFTER]))
    assert found.quality == "disagree"
    assert "another Item 1" in str(found.reason)
