"""Which files of a corpus are read, that nothing else in them is, and what is said of those that cannot be."""

import gzip
import os
import tracemalloc
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from fakes.corpora import filing, lines, put

from resources.settings.descriptions import Descriptions
from resources.settings.profile import ProfileError
from resources.universe.corpora import corpus_fingerprint, read_edgar_corpus


def corpus(path: Path, *years: int) -> pl.DataFrame:
    return read_edgar_corpus(Descriptions(source="edgar_corpus", path=path), years, path.parent / "hub")


def refusal(path: Path, *years: int) -> str:
    with pytest.raises(ProfileError) as caught:
        corpus(path, *years)
    return str(caught.value)


def test_half_a_surrogate_pair_in_json_becomes_a_question_mark(tmp_path: Path) -> None:
    assert corpus(put(tmp_path / "c.jsonl", filing(text="A \ud83d bank.")), 1994)["text"].to_list() == ["A ? bank."]


def test_only_years_asked_for_are_read(tmp_path: Path) -> None:
    put(tmp_path / "c/2003/train.jsonl", filing("1", 2003))
    put(tmp_path / "c/2004/train.jsonl", filing("1", 2004))
    put(tmp_path / "c/2004/validate.jsonl", filing("2", 2004))
    put(tmp_path / "c/year_2005/train/0000.parquet", filing("1", 2005))
    (tmp_path / "c/2001").mkdir()
    (tmp_path / "c/2001/train.jsonl").write_text("never looked at")
    assert corpus(tmp_path / "c", 2005)["accession"].to_list() == ["corpus-1-2004", "corpus-2-2004"]
    assert corpus(tmp_path / "c", 2004, 2006)["accession"].to_list() == ["corpus-1-2003", "corpus-1-2005"]


def test_splits_and_shards_of_a_year_are_read_together(tmp_path: Path) -> None:
    folder = tmp_path / "year_1993"
    shards = ("train-00000-of-00002", "train-00001-of-00002", "test", "validation")
    for cik, shard in enumerate(shards, 1):
        put(folder / f"edgar-corpus-{shard}.parquet", filing(cik, 1993))
    (folder / "index.duckdb").write_bytes(b"no report")
    assert corpus(folder, 1994)["cik"].to_list() == [f"{cik:010}" for cik in (1, 2, 3, 4)]


def test_the_folder_full_is_not_read_beside_folders_of_years(tmp_path: Path) -> None:
    put(tmp_path / "c/full/train/0000.parquet", filing("1", 2003), filing("2", 2003))
    assert corpus(tmp_path / "c", 2004).height == 2
    put(tmp_path / "c/year_2003/train/0000.parquet", filing("1", 2003))
    assert corpus(tmp_path / "c", 2004).height == 1


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    assert corpus(put(tmp_path / "2020.jsonl", filing("1", 2003)), 2004).height == 1


def test_other_columns_of_parquet_are_not_even_read(tmp_path: Path) -> None:
    file = put(tmp_path / "c.parquet", *(filing(cik, 2003, section_8=f"Statement {cik}.") for cik in range(1, 200)))
    statements = pq.read_metadata(file).row_group(0).column(7)
    assert statements.path_in_schema == "section_8"
    content = bytearray(file.read_bytes())
    content[statements.data_page_offset : statements.data_page_offset + 200] = bytes(200)
    file.write_bytes(content)
    with pytest.raises(pl.exceptions.PolarsError):
        pl.read_parquet(file)
    assert corpus(file, 2004).height == 199


def test_json_lines_are_not_held_in_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "c.jsonl.gz", "wb", compresslevel=1) as stream:
        for cik in range(1, 401):
            stream.write(lines(filing(cik, 2003, section_8="x" * 100_000)))
    tracemalloc.start()
    found = corpus(tmp_path / "c.jsonl.gz", 2004)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.height == 400
    assert peak < 5_000_000


def test_progress_counts_the_rows_looked_at(tmp_path: Path) -> None:
    put(tmp_path / "c/a.parquet", filing("1", 2003), filing("2", 1999))
    put(tmp_path / "c/b.jsonl", filing("3", 2003), filing("4", 1999), filing("5", 1999))
    told: list[int] = []
    source = Descriptions(source="edgar_corpus", path=tmp_path / "c")
    assert read_edgar_corpus(source, [2004], tmp_path, told.append).height == 2
    assert sum(told) == 5


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "c.jsonl",
            b'{"filename": "1_1993.txt", "cik": "1", "year": "1993"}\n',
            ["c.jsonl, line 1", "'section_1'", "cik"],
        ),
        ("c.jsonl", lines(filing()) + b"\n{]\n", ["c.jsonl, line 3", "not JSON"]),
        ("c.jsonl", lines(filing()) + b"[1, 2]\n", ["c.jsonl, line 2", "expected an object", "list"]),
        ("c.jsonl", b"[" * 100_000, ["c.jsonl, line 1", "not JSON"]),
        ("c.jsonl", b"\xff\xfe\x00x\n", ["c.jsonl, line 1", "not JSON"]),
        ("c.jsonl", lines(filing(year="soon")), ["c.jsonl, line 1", "column year: soon: not a year"]),
        ("c.jsonl", lines(filing(year=None)), ["c.jsonl, line 1", "column year"]),
        (
            "c.jsonl",
            lines(filing(cik="KO")),
            ["c.jsonl, line 1, column cik: KO: not a CIK; write its 1 to 10 digits alone"],
        ),
        ("c.jsonl", lines(filing(cik=None)), ["c.jsonl, line 1, column cik: empty: no CIK; drop the row (1 such row)"]),
        ("c.jsonl", lines(filing(), filing(cik="2.5")), ["c.jsonl, line 2, column cik: 2.5: not a CIK"]),
        ("c.jsonl", lines(filing(cik=True)), ["c.jsonl, line 1, column cik holds true or false"]),
        ("c.jsonl", lines(filing(cik=[["1"]])), ["c.jsonl, line 1, column cik holds a list of lists"]),
        ("c.jsonl", lines(filing(text={"a": 1})), ["c.jsonl, line 1", "section_1", "object"]),  # type: ignore[arg-type]
        ("c.jsonl.gz", gzip.compress(lines(filing()) * 50, mtime=0)[:-20], ["c.jsonl.gz", "cannot be read to its end"]),
        ("c.jsonl.gz", lines(filing()), ["c.jsonl.gz", "cannot be read to its end"]),
        ("c.parquet", b"PAR1 and then nothing", ["c.parquet", "not a Parquet file that can be read", "get it again"]),
        ("c.parquet", b"", ["c.parquet", "not a Parquet file that can be read"]),
        ("c.csv", b"filename,cik,year,section_1", ["c.csv", ".parquet, .jsonl or .jsonl.gz"]),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_place(
    tmp_path: Path, name: str, content: bytes, words: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    said = refusal(tmp_path / name, 1994)
    assert all(word in said for word in words), said


def test_parquet_without_a_column_or_with_a_row_without_a_year_is_refused(tmp_path: Path) -> None:
    row = filing()
    del row["section_1"]
    assert "no column 'section_1'; it has filename, cik, year" in refusal(put(tmp_path / "c.parquet", row), 1994)
    said = refusal(put(tmp_path / "c.parquet", filing(), filing(year=None)), 1994)
    assert "c.parquet, row 2, column year: empty: not a year; drop it (1 such row)" in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cik": 320193.5}, "row 2, column cik: 320193.5: not a CIK"),
        ({"cik": 0.0}, "row 2, column cik: 0: not a CIK"),
        ({"year": 1993.5}, "row 2, column year: 1993.5: not a year"),
    ],
)
def test_a_number_that_is_none_is_named_with_its_row_and_never_cut(
    tmp_path: Path, changed: dict[str, object], words: str
) -> None:
    rows = [filing(cik=1.0, year=1993.0), filing(**({"cik": 2.0, "year": 1993.0} | changed))]  # type: ignore[arg-type]
    assert words in refusal(put(tmp_path / "c.parquet", *rows), 1994)


@pytest.mark.parametrize("name", ["a[1].parquet", "*.parquet", "a?.jsonl", "%20{b}.jsonl", "a b.parquet"])
def test_a_path_is_a_file_and_never_a_pattern(tmp_path: Path, name: str) -> None:
    put(tmp_path / f"aa{Path(name).suffix}", filing("2"))
    put(tmp_path / f"a1{Path(name).suffix}", filing("3"))
    put(tmp_path / "[a]*" / name, filing("1"))
    for path in (put(tmp_path / name, filing("1")), tmp_path / "[a]*"):
        found = read_edgar_corpus(Descriptions(source="edgar_corpus", path=path), [1994], tmp_path)
        assert found["company_id"].to_list() == ["0000000001"]


def test_a_path_with_nothing_to_read_is_refused(tmp_path: Path) -> None:
    assert "no such file or folder" in refusal(tmp_path / "absent", 1994)
    (tmp_path / "c/.cache").mkdir(parents=True)
    (tmp_path / "c/README.md").write_text("# nothing")
    (tmp_path / "c/.cache/hidden.jsonl").write_bytes(lines(filing()))
    assert "no .parquet, .jsonl or .jsonl.gz file there (2 others)" in refusal(tmp_path / "c", 1994)


def test_the_fingerprint_changes_with_the_files_of_the_years_and_only_with_them(tmp_path: Path) -> None:
    put(tmp_path / "c/2003/train.jsonl", filing(year=2003))
    put(tmp_path / "c/2009/train.jsonl", filing(year=2009))
    source = Descriptions(source="edgar_corpus", path=tmp_path / "c")
    before = corpus_fingerprint(source, [2004], tmp_path)
    assert list(before) == [""]
    put(tmp_path / "c/2009/train.jsonl", filing(year=2009, text="Another text."))
    assert corpus_fingerprint(source, [2004], tmp_path) == before
    os.utime(tmp_path / "c/2003/train.jsonl", (1, 1))
    touched = corpus_fingerprint(source, [2004], tmp_path)
    put(tmp_path / "c/2003/test.jsonl", filing("9", 2003))
    assert len({before[""], touched[""], corpus_fingerprint(source, [2004], tmp_path)[""]}) == 3
