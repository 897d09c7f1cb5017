"""A table is the file that its path names, whatever is in the name, and a strange file is one line in bounded time."""

from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.own_table import profile, table

from resources.market.price_file import FileMarket
from resources.market.quotes import PriceError
from resources.settings.prices import Prices
from resources.settings.profile import ProfileError
from resources.universe.table_source import TableUniverse, read_universe

NAMES = ["a[1].parquet", "*.parquet", "a?.parquet", "%20.parquet", "{a,b}.parquet", "a b.parquet", "[!a].parquet", "**"]
DAYS = [date(2004, 1, 2), date(2004, 1, 5)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folder", [".", "[ab]*", "%41 {x}?"])
def test_a_path_is_a_file_and_never_a_pattern(tmp_path: Path, folder: str, name: str) -> None:
    for other in ("a1.parquet", "aa.parquet", "a/a1.parquet", " .parquet", "a.parquet", "A x/a1.parquet"):
        table(tmp_path / other, name=["Other"])
    mine = table(tmp_path / folder / name, name=["Mine"])
    assert read_universe(mine)["name"].to_list() == ["Mine"]
    universe = TableUniverse(mine, tmp_path / folder / name.replace(".parquet", ""))
    assert universe.filings_now(2004) == TableUniverse(mine, tmp_path).filings_now(2004)


@pytest.mark.parametrize("name", NAMES)
def test_a_price_file_is_a_file_and_never_a_pattern(tmp_path: Path, name: str) -> None:
    quotes = {"ticker": ["KO"], "date": DAYS[:1]}
    for other in ("a1.parquet", "aa.parquet", " .parquet", "a.parquet"):
        pl.DataFrame(quotes | {"adj_close": [1.0]}).write_parquet(tmp_path / other)
        pl.DataFrame(quotes | {"adj_close": [1.0]}).write_csv(tmp_path / other.replace("parquet", "csv"))
    mine = pl.DataFrame(quotes | {"adj_close": [2.0]})
    mine.write_csv(tmp_path / name)
    assert FileMarket(Prices(source="csv", path=tmp_path / name)).quotes(["KO"]).rows["adj_close"].to_list() == [2.0]
    mine.write_parquet(tmp_path / name)
    assert FileMarket(Prices(source="parquet", path=tmp_path / name)).quotes(["KO"]).rows["adj_close"].to_list() == [
        2.0
    ]


def wide(columns: int) -> pa.Table:
    return pa.table([pa.array([1.0])] * columns, names=[f"c{n}" for n in range(columns)])


def test_hundreds_of_thousands_of_columns_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "own.parquet"
    pq.write_table(wide(100_000), file, compression="none")
    with pytest.raises(ProfileError, match=r"bytes describe its columns; write it with fewer columns") as caught:
        read_universe(profile(file))
    assert len(str(caught.value)) < 500
    with pytest.raises(PriceError, match=r"bytes describe its columns; write it with fewer columns"):
        FileMarket(Prices(source="parquet", path=file, layout="wide")).span()
    (tmp_path / "p.csv").write_text(",".join(f"c{n}" for n in range(200_000)) + "\n" + "1," * 199_999 + "1\n")
    for layout in ("long", "wide"):
        with pytest.raises(PriceError, match=r"p\.csv: line 1 names 200,000 columns; 50,000 are read at most"):
            FileMarket(Prices(source="csv", path=tmp_path / "p.csv", layout=layout)).span()


def test_thousands_of_columns_are_read(tmp_path: Path) -> None:
    found = table(tmp_path / "own.parquet", 1, **{f"c{n}": [1.0] for n in range(3_000)})
    assert read_universe(found).height == 1


def test_cells_of_megabytes_are_read_or_one_line(tmp_path: Path) -> None:
    huge = "x" * 8_000_000
    assert read_universe(table(tmp_path / "own.parquet", text=[huge]))["text"].to_list() == [huge]
    for name in ("ticker", "cik", "sic", "filed_at"):
        with pytest.raises(ProfileError) as caught:
            read_universe(table(tmp_path / "own.parquet", **{name: [huge]}))
        assert len(str(caught.value)) < 500
    lines = f"ticker,date,adj_close\nKO,2004-01-02,1\n{huge},2004-01-05,1\nKO,2004-01-05,{huge}\n"
    (tmp_path / "p.csv").write_text(lines)
    with pytest.raises(
        PriceError, match=r"line 3, column ticker: x+: 8000000 characters, too long for a ticker"
    ) as long:
        FileMarket(Prices(source="csv", path=tmp_path / "p.csv")).quotes(["KO"])
    assert len(str(long.value)) < 500
    (tmp_path / "p.csv").write_text(lines.replace(f"{huge},2004", "PEP,2004"))
    with pytest.raises(PriceError, match=r"line 4, column adj_close, ticker KO: x+: not a number") as other:
        FileMarket(Prices(source="csv", path=tmp_path / "p.csv")).quotes(["KO"])
    assert len(str(other.value)) < 500


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"PAR1" * 3, b"PAR1\xff\xff\xff\x7fPAR1", b"ticker,name\n", b"PAR1" + b"\0" * 90 + b"PAR1"],
)
def test_what_is_no_parquet_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "own.parquet"
    file.write_bytes(content)
    with pytest.raises(ProfileError, match="is not a Parquet file that can be read") as caught:
        read_universe(profile(file))
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 500
    with pytest.raises(PriceError, match="not a readable Parquet file") as also:
        FileMarket(Prices(source="parquet", path=file)).span()
    assert len(str(also.value).splitlines()) == 1 and len(str(also.value)) < 500


def test_bytes_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    broken = _unchecked(b"\xff\xfe")
    for name in ("text", "name", "ticker"):
        with pytest.raises(ProfileError, match=r"own\.parquet (cannot be read to its|is not a Parquet file)"):
            read_universe(table(tmp_path / "own.parquet", **{name: broken}))


def _unchecked(content: bytes) -> pa.Array:
    """A string array of bytes that no one has looked at."""
    held = pa.array([content], pa.binary())
    return pa.Array.from_buffers(pa.string(), 1, held.buffers())


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    names = ["ticker", "name", "text", "name"]
    pq.write_table(pa.table([pa.array(["KO"])] * 4, names=names), tmp_path / "own.parquet")
    with pytest.raises(ProfileError, match="column 'name' has more than one occurrence; rename or drop one"):
        read_universe(profile(tmp_path / "own.parquet"))


def quoted(folder: Path, **changed: pa.Array) -> FileMarket:
    columns = {"ticker": pa.array(["KO", "PEP"]), "date": pa.array(DAYS), "adj_close": pa.array([1.0, 2.0])} | changed
    pq.write_table(pa.table(list(columns.values()), names=list(columns)), folder / "p.parquet")
    return FileMarket(Prices(source="parquet", path=folder / "p.parquet"))


@pytest.mark.parametrize(
    ("name", "column", "ticker"),
    [
        ("ticker", pa.array([4502, 4503]), "4502"),
        ("ticker", pa.array([4502.0, 4503.0]), "4502"),
        ("ticker", pa.array(["KO", "PEP"]).dictionary_encode(), "KO"),
        ("date", pa.array(["2004-01-02", "2004-01-05"]), "KO"),
        ("date", pa.array(["2004-01-02", "2004-01-05"]).dictionary_encode(), "KO"),
        ("date", pa.array([1073059200000000, 1073318400000000], pa.timestamp("us", "+05:30")), "KO"),
        ("date", pa.array([1073059200000000, 1073318400000000], pa.timestamp("us", "-05:00")), "KO"),
        ("security", pa.array([10107.0, 10108.0]), "KO"),
        ("other", pa.array([1, 2], pa.timestamp("us", "+05:30")), "KO"),
        ("adj_close", pa.array([1, 2]).cast(pa.decimal128(30, 4)), "KO"),
    ],
)
def test_prices_are_read_from_any_type_whose_meaning_is_certain(
    tmp_path: Path, name: str, column: pa.Array, ticker: str
) -> None:
    market = quoted(tmp_path, **{name: column})
    assert market.quotes([ticker]).rows.select("ticker", "date", "adj_close").rows() == [(ticker, DAYS[0], 1.0)]
    assert market.span() == (DAYS[0], DAYS[1])
    assert list(market.now()) == ["2004-01"]


def test_a_day_of_a_price_that_no_calendar_has_is_refused(tmp_path: Path) -> None:
    market = quoted(tmp_path, date=pa.array([10**7, 0], pa.int32()).cast(pa.date32()))
    with pytest.raises(PriceError, match=r"row 1, column date, ticker KO: outside 1800 to 2199: not a date"):
        market.quotes(["KO"])


def test_a_time_zone_that_nobody_knows_is_one_line(tmp_path: Path) -> None:
    odd = pa.array([1, 2], pa.int64()).cast(pa.timestamp("us", "Nowhere/Land"))
    with pytest.raises(PriceError, match="column date has the time zone 'Nowhere/Land', which is not known"):
        quoted(tmp_path, date=odd).span()
    with pytest.raises(ProfileError, match="column filed_at has the time zone 'Nowhere/Land', which is not known"):
        read_universe(table(tmp_path / "own.parquet", 2, filed_at=odd))


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "gone.parquet"])
def test_a_path_that_leads_nowhere_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProfileError, match=r"descriptions\.path: no such file: "):
        read_universe(profile(tmp_path / name, "ticker"))
    for source in ("csv", "parquet"):
        with pytest.raises(PriceError, match=r"no such file; set prices\.path to an existing file"):
            FileMarket(Prices(source=source, path=tmp_path / name)).span()  # type: ignore[arg-type]


def test_a_folder_is_not_a_table(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"is a folder; give one Parquet file"):
        read_universe(profile(tmp_path, "ticker"))


def test_folders_called_like_values_tell_nothing(tmp_path: Path) -> None:
    file = tmp_path / "ticker=ABC" / "sector=Banks" / "own.parquet"
    found = read_universe(table(file, sector=["Energy"]))
    assert found.select("ticker", "sector").rows() == [("KO", "Energy")]


def test_types_that_others_made_up_are_refused_only_where_they_are_mapped(tmp_path: Path) -> None:
    made_up = pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(['"a"']))
    assert read_universe(table(tmp_path / "own.parquet", other=made_up)).height == 1
    with pytest.raises(ProfileError, match=r"descriptions\.columns\.sector: 'sector' of .* convert it"):
        read_universe(table(tmp_path / "own.parquet", sector=made_up))
