"""Page furniture is found by its place and its repetition; text that only looks like it stays."""

from assets.descriptions.page_furniture import furniture
from assets.descriptions.segments import Kind, Segment


def document(*segments: tuple[Kind, str]) -> list[Segment]:
    return [Segment(kind, text, start) for start, (kind, text) in enumerate(segments)]


def kept(segments: list[Segment]) -> list[str]:
    return [segment.text for segment, unwanted in zip(segments, furniture(segments), strict=True) if not unwanted]


def body(page: int) -> str:
    return (
        f"Mill {page} grinds wheat and rye for the bakers of the towns around it."
        + " Most of it is ground by night." * 2
    )


def pages(header: str, footer: str, count: int = 5) -> list[Segment]:
    parts: list[tuple[Kind, str]] = [("break", "")]
    for page in range(1, count + 1):
        parts += [("prose", header), ("prose", body(page)), ("prose", footer.format(page)), ("break", "")]
    return document(*parts)


def test_running_headers_and_page_numbers_are_taken_out() -> None:
    bodies = [body(page) for page in range(1, 6)]
    assert kept(pages("EXAMPLE MILLS INC", "- {} -")) == bodies
    assert kept(pages("Item 1. Business (continued)", "2005 Form 10-K {}")) == bodies


def test_a_subheading_that_is_elsewhere_too_stays() -> None:
    elsewhere = [segment for page in range(4) for segment in document(("prose", "Competition"), ("prose", body(page)))]
    assert kept([*pages("Competition", "{}", 4), *elsewhere]).count("Competition") == 8


def test_a_header_that_appears_twice_stays() -> None:
    assert kept(pages("Our Mills", "{}", 2)).count("Our Mills") == 2


def test_rows_of_figures_at_page_ends_stay() -> None:
    segments: list[tuple[Kind, str]] = []
    for year in range(5):
        segments += [("row", f"Net sales $ 1{year} $ 2{year} $ 3{year} $ 4{year}"), ("break", "")]
    assert len(kept(document(*segments))) == 5


def test_links_to_the_contents_are_taken_out_anywhere() -> None:
    assert kept(document(("prose", "Mills."), ("prose", "Table of Contents"), ("prose", "Wheat."))) == [
        "Mills.",
        "Wheat.",
    ]


def test_consecutive_numbers_are_page_numbers_if_no_breaks_are_marked() -> None:
    segments = document(
        ("prose", "Mills."), ("prose", "3"), ("prose", "Wheat."), ("prose", "4"), ("prose", "Rye."), ("prose", "250")
    )
    assert kept(segments) == ["Mills.", "Wheat.", "Rye.", "250"]


def test_every_segment_is_classified() -> None:
    assert furniture([]) == []
    assert furniture(document(("break", ""), ("break", ""))) == [True, True]
