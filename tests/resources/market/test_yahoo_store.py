"""Price histories on disk."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from resources.market.quotes import PriceError
from resources.market.yahoo.history_store import FetchRecord, History, HistoryStore, Marks
from resources.market.yahoo.readjustment import ROWS, Scale

ASKED = FetchRecord(
    date(1999, 12, 1), date(2017, 12, 31), date(2018, 1, 5), scale=Scale(0.123456789012345, 1 / 3), forgotten=2
)


def years(n: int) -> History:
    days = pl.date_range(date(2000, 1, 1), date(2000, 1, 1) + timedelta(days=252 * n - 1), eager=True)
    price = pl.arange(1, 252 * n + 1, eager=True).cast(pl.Float64) / 3
    rows = pl.DataFrame({"date": days, "adj_close": price, "close": price, "volume": price, "security": "2000-01-01"})
    return History(rows.select(list(ROWS)), ASKED)


def test_a_history_is_read_back_as_it_was(tmp_path: Path) -> None:
    store, history = HistoryStore(tmp_path), years(1)
    store.put("BRK-B", history)
    read = store.get("BRK-B")
    assert read is not None
    assert read.rows.equals(history.rows)
    assert read.record == ASKED
    assert store.get("BRK-A") is None


def test_a_refusal_is_read_back(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    nothing = History(
        pl.DataFrame(schema=ROWS), FetchRecord(*[date(2020, 1, 1)] * 3, refused="symbol may be delisted", for_good=True)
    )
    store.put("^X", nothing)
    read = store.get("^X")
    assert read is not None
    assert (read.record, read.rows.height, read.rows.schema) == (nothing.record, 0, pl.Schema(ROWS))


def test_five_hundred_histories_of_eighteen_years_are_read_in_about_a_second(tmp_path: Path) -> None:
    store, history = HistoryStore(tmp_path), years(18)
    for i in range(50):
        store.put(f"T{i}", history)
    seconds = []
    for _ in range(3):
        began = time.process_time()
        rows = sum(found.rows.height for i in range(50) if (found := store.get(f"T{i}")))
        seconds.append(time.process_time() - began)
    assert rows == 50 * 252 * 18
    assert min(seconds) < 0.4  # a busy machine makes it no slower than that


def test_a_damaged_history_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    store.put("KO", years(1))
    file = tmp_path / "histories" / "KO.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(PriceError, match=r"KO\.parquet: damaged .*delete it"):
        store.get("KO")


def test_a_history_written_by_another_version_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "histories").mkdir()
    years(1).rows.write_parquet(tmp_path / "histories" / "KO.parquet")
    assert HistoryStore(tmp_path).get("KO") is None


def test_marks_only_grow(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    assert store.marks() == Marks(0, 0)
    store.mark(left=1)
    store.mark(forgotten=1)
    store.mark(left=1)
    assert HistoryStore(tmp_path).marks() == Marks(2, 1)


def test_no_mark_is_lost_among_many_writers(tmp_path: Path) -> None:
    def mark(_: int) -> None:
        HistoryStore(tmp_path).mark(left=1, forgotten=2)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(mark, range(64)))
    assert HistoryStore(tmp_path).marks() == Marks(64, 128)


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "histories").touch()
    with pytest.raises(PriceError, match=r"cannot write .*KO.parquet"):
        HistoryStore(tmp_path).put("KO", years(1))


def test_temporary_files_of_killed_processes_are_removed_after_an_hour(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    store.put("KO", years(1))
    for name, age in (("old", 4000), ("young", 10)):
        (tmp_path / "tmp" / name).touch()
        os.utime(tmp_path / "tmp" / name, (time.time() - age,) * 2)
    store.remove_stale_temporaries()
    assert [file.name for file in (tmp_path / "tmp").iterdir()] == ["young"]


def test_damaged_marks_are_an_error_and_not_read_as_zero(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    store.mark(left=1)
    (tmp_path / "marks.json").write_text("{", encoding="utf-8")
    with pytest.raises(PriceError, match=r"marks\.json: damaged .*; delete it and run again"):
        store.marks()
