"""Item 1 of real annual reports: how fast, against either reader alone, and how right.

`PEERLENS_TESTDATA=../shared/data python benchmarks/item1.py [rounds]` reads the 42 reports there. Speed is measured on
those in inline XBRL, the largest: edgar-itemize and edgartools each as shipped, on the document as filed, and ours,
which asks both; beside them lxml, which does nothing but parse: the machine's own limit. In turn, document by document,
medians over the rounds, ratios those of the medians within a round. Accuracy is measured in letters a to z against the
texts beside the reports. Beside them are the hard reports, each of which has a text or a reason to reject it. The last
line is JSON.
"""

import gzip
import itertools
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import lxml.html
import polars as pl
from edgar.documents import HTMLParser, ParserConfig
from edgar_itemize.pipeline import parse_prepared
from machine import machine
from rapidfuzz.distance import LCSseq

from assets.descriptions.item1 import item1, letters
from assets.descriptions.itemize_reader import prepared
from assets.descriptions.readings import begins_with_heading, has_later_item
from resources.compute.workers import Failed, map_in_processes
from resources.edgar.submission import main_document

ROUNDS = 5
SECONDS = 60.0
PROCESSES = 2
CLOSE = 0.97
EDGE = 200
"""Letters at either end that are compared by themselves."""
FURNITURE = 50
"""Letters of page furniture with which the texts beside the reports may end."""


def itemize_alone(content: bytes) -> None:
    """Read with edgar-itemize as shipped."""
    parse_prepared(prepared(main_document(content), is_html=True), 0, headings=False)


def edgartools_alone(content: bytes) -> None:
    """Read with edgartools as shipped."""
    sections = HTMLParser(ParserConfig(form="10-K")).parse(main_document(content)).sections
    for name in ("part_i_item_1", "business"):
        if name in sections:
            sections[name].text()
            return


def ours(content: bytes) -> None:
    """Read with both on simpler mark-up, and compare."""
    item1(content)


def plain_parse(content: bytes) -> None:
    """Parse with lxml, and read nothing."""
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    lxml.html.document_fromstring(main_document(content).encode(), parser=parser)


READERS: dict[str, Callable[[bytes], None]] = {
    "lxml parses, no more": plain_parse,
    "edgar-itemize alone": itemize_alone,
    "edgartools alone": edgartools_alone,
    "ours, both readers": ours,
}


def speeds(documents: list[bytes], rounds: int) -> dict[str, list[float]]:
    """Return documents a second of every reader, one number a round."""
    found: dict[str, list[float]] = {name: [] for name in READERS}
    for _ in range(rounds):
        seconds = dict.fromkeys(READERS, 0.0)
        for content in documents:
            for name, read in READERS.items():
                started = time.perf_counter()
                read(content)
                seconds[name] += time.perf_counter() - started
        for name, spent in seconds.items():
            found[name].append(len(documents) / spent)
    return found


def ratio(found: dict[str, list[float]], other: str) -> float:
    """Return the rate of ours over another's: the median of the ratios within a round."""
    pairs = zip(found["ours, both readers"], found[other], strict=True)
    return round(median(mine / theirs for mine, theirs in pairs), 3)


def in_processes(documents: list[bytes], rounds: int) -> list[float]:
    """Return documents a second of ours in processes, one a round; a round before the first loads the libraries."""
    results = map_in_processes(ours, documents * (rounds + 1), SECONDS, PROCESSES)
    ends = []
    for _ in range(rounds + 1):
        for _ in documents:
            if isinstance(outcome := next(results), Failed):
                raise SystemExit(outcome.reason)
        ends.append(time.perf_counter())
    return [len(documents) / (end - start) for start, end in itertools.pairwise(ends)]


def accuracies(folder: Path) -> Iterator[dict[str, object]]:
    """Yield for every report its era, and how like the text beside it ours is."""
    for row in pl.read_csv(folder / "manifest.csv", infer_schema_length=0).iter_rows(named=True):
        found = item1(_raw(folder, row["file"]))
        mine = letters(found.text)
        beside = folder / "item1" / f"{Path(row['file']).stem}.item1.txt.gz"
        truth = letters(gzip.decompress(beside.read_bytes()).decode())
        common, longest = LCSseq.similarity(mine, truth), max(len(mine), len(truth), 1)
        yield {
            "era": row["era"],
            "format": row["format"],
            "documents": 1,
            "overlap": common / longest,
            "first": LCSseq.normalized_similarity(mine[:EDGE], truth[:EDGE]),
            "last": LCSseq.similarity(mine[-EDGE:], truth[-EDGE - FURNITURE :]) / EDGE,
            "within_3pct": common >= CLOSE * longest,
            "ok": found.quality == "ok",
        }


def hard_answers(folder: Path) -> Iterator[dict[str, object]]:
    """Yield for every hard report what is right, what is found, and whether that is right."""
    for row in pl.read_csv(folder / "manifest.csv", infer_schema_length=0).iter_rows(named=True):
        found = item1(_raw(folder, row["file"]))
        wanted = {"text": {"text"}, "reject": {"reject"}}.get(row["right_answer"], {"text", "reject"})
        begins = begins_with_heading(found.text) and not has_later_item(found.text)
        answer = "reject" if found.quality == "missing" else "text" if begins else "a wrong text"
        yield {"file": row["file"], "right": row["right_answer"], "found": answer, "quality": found.quality} | {
            "is_right": answer in wanted
        }


def _raw(folder: Path, name: str) -> bytes:
    return gzip.decompress((folder / f"{name}.gz").read_bytes())


def main() -> None:
    """Print both tables and the claims."""
    logging.disable(logging.CRITICAL)
    folder = Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / "tenk"
    if not folder.is_dir():
        raise SystemExit(f"no annual reports in {folder}; set PEERLENS_TESTDATA")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    documents = [_raw(folder, path.stem) for path in sorted(folder.glob("*_ixbrl.htm.gz"))]
    ours(documents[0])
    found = speeds(documents, rounds)
    together = in_processes(documents, rounds)
    what = f"{len(documents)} reports in inline XBRL, documents a second, median and range of {rounds} rounds"
    print(f"{what}; {machine(1)}")
    for name, numbers in (found | {f"ours, {PROCESSES} processes": together}).items():
        print(f"  {name:22}{median(numbers):6.2f}   {min(numbers):.2f} to {max(numbers):.2f}")
    rows = pl.DataFrame(list(accuracies(folder)))
    means, sums = pl.col("overlap", "first", "last").mean().round(4), pl.col("within_3pct", "ok", "documents").sum()
    eras = rows.group_by("era", "format").agg(means, pl.col("overlap").min().alias("worst").round(4), sums)
    with pl.Config(tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        print(eras.sort("era", "format"))
    hard = pl.DataFrame(list(hard_answers(folder.with_name("tenk_hard"))))
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        print(hard)
    claims = {
        "filings_per_s": round(median(together), 2),
        "vs_edgartools": ratio(found, "edgartools alone"),
        "vs_lxml": ratio(found, "lxml parses, no more"),
        "within_3pct": int(rows["within_3pct"].sum()),
        "documents": rows.height,
        "hard": {"hard_right": int(hard["is_right"].sum()), "hard_documents": hard.height},
    }
    print(json.dumps(claims))


if __name__ == "__main__":
    main()
