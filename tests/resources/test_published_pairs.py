"""The published pairs: read as they stand, linked to companies, and refused with the line that is wrong."""

from pathlib import Path

import numpy as np
import pytest

from resources.published_pairs import PublishedPairsError, published_pairs

HEADER = "year\tgvkey1\tgvkey2\tscore\n"


@pytest.fixture
def link(tmp_path: Path) -> Path:
    file = tmp_path / "link.csv"
    file.write_text("gvkey,cik\n001004,1750\n001013,1800\n1045,6201\n", encoding="utf-8")
    return file


def pairs(folder: Path, rows: str, header: str = HEADER) -> Path:
    file = folder / "tnic3_data.txt"
    file.write_text(header + rows, encoding="utf-8")
    return file


def test_a_year_s_pairs_are_those_of_the_file_by_cik(tmp_path: Path, link: Path) -> None:
    """A generated file of their layout: what comes out is what was put in, for one year."""
    random, gvkeys = np.random.default_rng(0), [1004, 1013, 1045, 9999]
    put = {
        (year, a, b): round(float(random.random()), 4)
        for year in (2003, 2004)
        for a in gvkeys
        for b in gvkeys
        if a != b
    }
    lines = "".join(f"{year}\t{a}\t{b}\t{score}\n" for (year, a, b), score in put.items())
    found = published_pairs(pairs(tmp_path, lines), link, 2004)
    cik = {1004: "0000001750", 1013: "0000001800", 1045: "0000006201"}
    expected = {(cik[a], cik[b]): s for (year, a, b), s in put.items() if year == 2004 and a in cik and b in cik}
    assert {(a, b): s for a, b, s in found.iter_rows()} == expected
    assert found.columns == ["company_id", "peer_id", "score"]


def test_a_year_that_is_not_there_has_no_pairs(tmp_path: Path, link: Path) -> None:
    assert published_pairs(pairs(tmp_path, "2004\t1004\t1013\t0.1\n"), link, 2005).is_empty()
    assert published_pairs(pairs(tmp_path, ""), link, 2005).is_empty()


def test_two_gvkeys_of_one_company_are_one_and_no_pair(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.write_text("GVKEY\tCIK\n1\t10\n2\t10\n3\t30\n", encoding="utf-8")
    rows = "2004\t1\t2\t0.9\n2004\t1\t3\t0.1\n2004\t2\t3\t0.2\n"
    found = published_pairs(pairs(tmp_path, rows), link, 2004)
    assert found.rows() == [("0000000010", "0000000030", 0.2)]


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        ("2004\t1004\t1013\thigh\n", HEADER, "line 2: score high is no number"),
        ("2004\t1004\t1013\t0.1\n2004\tABC\t1013\t0.1\n", HEADER, "line 3: gvkey1 ABC is no whole number"),
        ("2004\t1004\t1013\tnan\n", HEADER, "line 2: score nan is no number"),
        ("2003\t1004\t1013\t\n", HEADER, "line 2: score empty is no number"),
        ("2004\t1\t2\n", "year\tgvkey1\tgvkey2\n", "no column score, only year, gvkey1, gvkey2"),
        ("2004\t1\t2\t0.1\t7\n", HEADER, "cannot be read"),
        ("", "", "no column year, gvkey1, gvkey2, score, only empty"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, link: Path, rows: str, header: str, says: str
) -> None:
    with pytest.raises(PublishedPairsError, match=r"tnic3_data\.txt: ") as caught:
        published_pairs(pairs(tmp_path, rows, header), link, 2004)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_packed_file_and_one_that_is_not_there_are_refused(tmp_path: Path, link: Path) -> None:
    packed = tmp_path / "tnic3_data.zip"
    packed.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    for file in (packed, tmp_path / "absent.txt"):
        with pytest.raises(PublishedPairsError, match="give the unpacked text file"):
            published_pairs(file, link, 2004)


def test_a_link_with_two_ciks_for_one_gvkey_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.write_text("gvkey,cik\n1,10\n1,11\n", encoding="utf-8")
    with pytest.raises(PublishedPairsError, match="gvkey 1 with more than one CIK"):
        published_pairs(pairs(tmp_path, "2004\t1\t2\t0.1\n"), link, 2004)
