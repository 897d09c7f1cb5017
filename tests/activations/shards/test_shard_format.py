from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from fakes.activation_parts import ABOUT, D_MODEL, part_of
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.activations.shards.part_record import shard_file
from assets.activations.shards.shard_files import write_part
from assets.schemas import activation_shard


def rows_of(part) -> dict[str, list]:
    filings = [(filing.accession, filing.tokens) for filing in part.filings]
    return {
        "accession": [accession for accession, tokens in filings for _ in range(len(tokens))],
        "position": [position for _, tokens in filings for position in range(len(tokens))],
        "token_id": [token for _, tokens in filings for token in tokens.ids.tolist()],
        "char_start": [start for _, tokens in filings for start in tokens.char_start.tolist()],
        "char_end": [end for _, tokens in filings for end in tokens.char_end.tolist()],
    }


def asked(query: str) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.sql(query).fetchall()


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(0, 40), max_size=40), d_model=st.integers(1, 9), group_rows=st.integers(1, 30))
def test_three_readers_see_the_rows_that_were_written(
    tmp_path_factory, sizes: list[int], d_model: int, group_rows: int
) -> None:
    folder, part = tmp_path_factory.mktemp("shards"), part_of(sizes, [7], d_model)
    write_part(folder, 3, part, ABOUT, row_group_bytes=2 * d_model * group_rows)
    file = shard_file(folder, 7, 3)
    rows = {**rows_of(part), "activation": [row.astype("<u2").tobytes() for row in part.bits[7]]}
    assert pq.read_table(file).to_pydict() == rows
    assert pl.read_parquet(file, use_statistics=True).to_dict(as_series=False) == rows
    columns = ", ".join(name for name in rows if name != "activation")
    assert asked(f"select {columns}, activation::blob from read_parquet('{file}')") == list(
        zip(*rows.values(), strict=True)
    )


def test_a_file_has_the_schema_of_a_shard_and_says_what_it_is(tmp_path: Path) -> None:
    write_part(tmp_path, 0, part_of([2], dtypes={7: "bfloat16"}), ABOUT)
    file = pq.ParquetFile(shard_file(tmp_path, 7, 0))
    assert file.schema_arrow.equals(activation_shard(D_MODEL))
    says = {key.decode(): value.decode() for key, value in file.schema_arrow.metadata.items()}
    assert says == {**ABOUT, "block": "7", "dtype": "bfloat16", "d_model": "6"}


def test_the_payload_is_plain_and_without_statistics(tmp_path: Path) -> None:
    write_part(tmp_path, 0, part_of([9]), ABOUT, row_group_bytes=4 * 2 * D_MODEL)
    metadata = pq.ParquetFile(shard_file(tmp_path, 2, 0)).metadata
    column = metadata.row_group(0).column(5)
    assert column.path_in_schema == "activation"
    assert (column.compression, column.statistics, column.has_dictionary_page) == ("UNCOMPRESSED", None, False)
    assert [metadata.row_group(i).num_rows for i in range(3)] == [4, 4, 1]


def test_other_columns_have_statistics_to_skip_row_groups_by(tmp_path: Path) -> None:
    write_part(tmp_path, 0, part_of([3, 5]), ABOUT, row_group_bytes=4 * 2 * D_MODEL)
    group = pq.ParquetFile(shard_file(tmp_path, 2, 0)).metadata.row_group(0)
    ranges = {group.column(i).path_in_schema: group.column(i).statistics for i in range(5)}
    assert {name: (range.min, range.max, range.null_count) for name, range in ranges.items()} == {
        "accession": ("a-0", "a-1", 0),
        "position": (0, 2, 0),
        "token_id": (0, 100, 0),
        "char_start": (0, 6, 0),
        "char_end": (3, 9, 0),
    }


@pytest.mark.parametrize("d_model", [1, 5, 576])
def test_a_row_group_of_the_usual_size_is_one_page_for_every_reader(tmp_path: Path, d_model: int) -> None:
    part = part_of([300_000 // d_model, 70_000 // d_model], [0], d_model)
    write_part(tmp_path, 0, part, ABOUT)
    table = pq.read_table(shard_file(tmp_path, 0, 0))
    payload = np.frombuffer(b"".join(table["activation"].to_pylist()), dtype="<u2").reshape(-1, d_model)
    assert np.array_equal(payload, part.bits[0])
    found = asked(f"select accession, count(*) from '{shard_file(tmp_path, 0, 0)}' group by 1 order by 1")
    assert found == [("a-0", 300_000 // d_model), ("a-1", 70_000 // d_model)]
