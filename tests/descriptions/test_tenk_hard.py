"""Real annual reports that were read wrong once, as their manifest says; and texts that were right and stay so."""

import csv
import os
import textwrap
from pathlib import Path

import polars as pl
import pytest
from fakes.tenk import real_file
from made_up import AFTER, LATER

from assets.descriptions.furniture_lines import is_furniture_line
from assets.descriptions.headings import heading
from assets.descriptions.item1 import Item1, item1, letters
from resources.compute.workers import map_in_processes

DATA = Path(os.environ.get("PEERLENS_TESTDATA", "/nowhere"))
MANIFEST = DATA / "tenk_hard" / "manifest.csv"
NINETIES = DATA / "tenk90s" / "item1.parquet"
RIGHT = {row["file"]: row["right_answer"] for row in csv.DictReader(MANIFEST.open())} if MANIFEST.is_file() else {}
FIRST_AND_LAST = {
    "1994_usl_txt.txt": ("itemlbusinessuslcapitalcorporation", "consolidatedfinancialstatementsonpage"),
    "1994_wy_txt.txt": ("itembusinessdescriptionofthebusinessofthecompany", "singlefamilyloanoriginations"),
    "1995_valu_txt.txt": ("itemlbusinessvaluelineinc", "attorneywithnewyorktelephonecompanyto"),
    "1994_unp_txt.txt": ("itembusinessanditempropertiesunionpacific", "underthefederalwaterpollutioncontrolact"),
    "1994_wsbc_txt.txt": ("businessasofdecember", "interstatebranchingonanationwidebasis"),
    "1995_vtx_txt.txt": ("itemonebusinessthecompany", "willenablethecompanytoreturntoprofitability"),
    "1996_wbkc_txt.txt": ("itembusinessreferenceismadetopage", "viishorttermborrowingand"),
    "2024_ma_ixbrl.htm": (
        "itembusinessoverviewmastercardisatechnology",
        "alsoavailableelectronicallyfromthesecatwwwsecgov",
    ),
}
"""Letters; what follows the last ones in the report is page furniture and the heading of Item 2 or 1A."""
MAY_BE_DOUBTED = {"1994_wsbc_txt.txt": "disagree", "1996_wbkc_txt.txt": "short"}


@pytest.mark.parametrize("name", RIGHT or [pytest.param("", marks=pytest.mark.skip("needs PEERLENS_TESTDATA"))])
def test_a_hard_report_is_read_as_the_manifest_says(name: str) -> None:
    found = item1(real_file(f"tenk_hard/{name}"))
    if RIGHT[name] != "text":
        assert (found.quality, found.text) == ("missing", "")
        assert found.reason
        return
    first, last = FIRST_AND_LAST[name]
    assert found.quality == MAY_BE_DOUBTED.get(name, "ok")
    assert letters(found.text).startswith(first)
    assert letters(found.text).endswith(last)


def report_around(text: str) -> bytes:
    """A plain report with the text as its Item 1, lines wrapped as they were filed."""
    parts = text.split("\n\n")
    lines = [part if "\n" in part else textwrap.fill(part, 80, break_on_hyphens=False) for part in parts]
    said = heading(text.partition("\n")[0])
    after = LATER if said and "2" in said.items else AFTER
    return ("PART I\n\n" + "\n\n".join([*lines, *after])).encode()


def without_furniture(text: str) -> str:
    return letters("\n".join(line for line in text.split("\n") if not is_furniture_line(line.strip())))


@pytest.mark.slow
def test_texts_of_the_nineties_lose_page_furniture_and_nothing_else() -> None:
    if not NINETIES.is_file():
        pytest.skip("needs PEERLENS_TESTDATA")
    texts = pl.read_parquet(NINETIES)["text"].to_list()
    found = list(map_in_processes(item1, [report_around(text) for text in texts], 60))
    assert {outcome.quality if isinstance(outcome, Item1) else outcome.reason for outcome in found} == {"ok"}
    assert len(found) == 484
    pairs = [
        (without_furniture(text), without_furniture(o.text))
        for text, o in zip(texts, found, strict=True)
        if isinstance(o, Item1)
    ]
    differing = [(one, other) for one, other in pairs if one != other]
    # `<PAGE 4>` and `I-2` are furniture by their place, and some headings with `continued` are wrapped here.
    assert len(differing) <= 10
    assert all(abs(len(one) - len(other)) < 200 for one, other in differing)
