"""Item 1 of damaged reports: a text or a reason is returned in good time, and the text is inert."""

import gzip
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.own_filings import EXPECTED, FOLDER

from assets.descriptions.item1 import Item1, item1
from resources.compute.workers import map_in_processes

SECONDS = 300.0
"""None takes 20; a search that never ends is a Failed."""
VARIANTS = 200
SAMPLE = range(0, VARIANTS, 5)
TENK = Path(os.environ.get("PEERLENS_TESTDATA", "/nowhere")) / "tenk"
SMALL = ("1999_mrx_html.htm", "2001_hd_txt.txt", "2007_ksb_txt.txt", "2014_spatz_html.htm", "2016_ppci_html.htm")
LIVE = re.compile(r"<(?:/?div|/?font|/?td|/?span|/?p)\b|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]")

Damage = Callable[[bytes, random.Random], bytes]


def truncated(raw: bytes, rng: random.Random) -> bytes:
    return raw[: rng.randrange(len(raw))]


def utf16(raw: bytes, rng: random.Random) -> bytes:
    return raw.decode("latin-1").encode(rng.choice(["utf-16", "utf-16-le", "utf-16-be"]))


def decoded_wrongly(raw: bytes, _: random.Random) -> bytes:
    """As if a program had read cp1252 for UTF-8, and written it again."""
    return raw.decode("cp1252", "replace").encode("utf-8")


def half_encoded(raw: bytes, rng: random.Random) -> bytes:
    """As if a program had read UTF-8 for what it was not."""
    broken = bytearray(raw)
    for at in rng.choices(range(len(raw)), k=200):
        broken[at] = 0xE9
    return bytes(broken).decode("utf-8", "replace").encode("utf-8")


def with_nul_bytes(raw: bytes, rng: random.Random) -> bytes:
    parts = [raw[at : at + 97] for at in range(0, len(raw), 97)]
    return b"".join(part + b"\0" * rng.randrange(3) for part in parts)


def without_heading(raw: bytes, _: random.Random) -> bytes:
    return re.sub(rb"(?i)items?(?:\s|&nbsp;|&#160;|<[^>]*>)*1\b(?!\d)", b"Section", raw)


def contents_twice(raw: bytes, _: random.Random) -> bytes:
    head = len(raw) // 12
    return raw[: 2 * head] + raw[head:]


def nested(raw: bytes, rng: random.Random) -> bytes:
    tag = rng.choice([b"div", b"font size=2", b"b", b"table", b"ul", b"tr"])
    end = b"</" + tag.split()[0] + b">"
    return raw.replace(b"<TEXT>", b"<TEXT><html>", 1).replace(b">", b">" + b"<" + tag + b">" * 1000, 1) + end * 1000


def unclosed(raw: bytes, rng: random.Random) -> bytes:
    return re.sub(rb"</\w+>", lambda end: end[0] if rng.random() < 0.5 else b"", raw)


def cut_tags(raw: bytes, rng: random.Random) -> bytes:
    return re.sub(rb">", lambda end: end[0] if rng.random() < 0.97 else b"", raw)


def open_comment(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(raw))
    return raw[:at] + b"<!-- " * 2000 + raw[at:]


def spaced(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(raw))
    return raw[:at] + b" " * 50_000_000 + raw[at:]


def shuffled(raw: bytes, rng: random.Random) -> bytes:
    size = rng.choice([1, 10, 1000, 20_000])
    parts = [raw[at : at + size] for at in range(0, len(raw), size)]
    rng.shuffle(parts)
    return b"".join(parts)


def replaced(raw: bytes, rng: random.Random) -> bytes:
    junk = {
        "empty": b"",
        "pdf": b"%PDF-1.4\n" + rng.randbytes(20_000),
        "gzip": gzip.compress(raw, mtime=0),
        "noise": rng.randbytes(len(raw)),
        "brackets": b"<" * 300_000,
        "entities": b"<html>" + b"&#" * 200_000,
        "comments": b"<html>" + b"<!--" * 200_000,
        "quotes": b'<html><p a="' * 50_000,
        "links": b"<html>" + b"<a href='#x'>" * 20_000 + b"Item 1. Business",
    }
    return junk[rng.choice(sorted(junk))]


DAMAGES: tuple[Damage, ...] = (
    truncated, utf16, decoded_wrongly, half_encoded, with_nul_bytes, without_heading, contents_twice, nested,
    unclosed, cut_tags, open_comment, spaced, shuffled, replaced,
)  # fmt: skip


def reports(small: bool) -> list[Path]:
    own = [FOLDER / expected.file for expected in EXPECTED.values()]
    real = sorted(TENK.glob("*.gz")) if TENK.is_dir() else []
    return [path for path in real if path.stem in SMALL] + own[::4] if small else real + own


def damaged(variant: int, small: bool) -> bytes:
    """The variant's own bytes, the same in every run with the same test data."""
    rng = random.Random(variant)
    path = rng.choice(reports(small))
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return DAMAGES[variant % len(DAMAGES)](raw, rng)


def found(variant: int) -> Item1:
    return item1(damaged(variant, small=False))


def assert_is_harmless(result: Item1) -> None:
    assert (result.quality == "missing") == (result.text == "")
    assert result.quality == "ok" or result.reason
    assert not LIVE.search(result.text)
    assert len(result.reason or "") < 600


@pytest.mark.parametrize("variant", SAMPLE)
def test_a_damaged_report_gives_a_text_or_a_reason(variant: int) -> None:
    assert_is_harmless(item1(damaged(variant, small=True)))


@pytest.mark.slow
def test_200_damaged_reports_give_a_text_or_a_reason() -> None:
    for variant, result in enumerate(map_in_processes(found, range(VARIANTS), SECONDS)):
        assert isinstance(result, Item1), f"variant {variant}: {result.reason}"
        assert_is_harmless(result)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no document"),
        (b" " * 50_000_000, "no document"),
        (b"%PDF-1.4 Item 1. Business", "no document"),
        (gzip.compress(b"Item 1. Business", mtime=0), "no document"),
        (b"<DOCUMENT>\n<TYPE>10-K\n<TEXT>\nbegin 644 report.pdf\nM)5!$1BTQ\n</TEXT>\n</DOCUMENT>", "no document"),
        (b"x" * 31_000_000, "31,000,000 characters"),
        (b"Dear shareholders, this letter has no items.", "edgar-itemize found no Item 1"),
    ],
)
def test_a_rejection_says_why(content: bytes, reason: str) -> None:
    result = item1(content)
    assert result.quality == "missing"
    assert reason in (result.reason or "")
