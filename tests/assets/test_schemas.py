"""Every table says what it is in words that the UI and the warehouse can show."""

import pyarrow as pa
import pytest

from assets.schemas import TABLES, activation_shard
from resources.lake.table import Table


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_has_sentences_a_key_and_slices_that_are_its_columns(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert {*table.key, *table.slice_by} <= set(names)
    assert not any(column.nullable for column in table.columns if column.name in {*table.key, *table.slice_by})
    assert all(sentence.endswith(".") for sentence in (table.sentence, *(c.sentence for c in table.columns)))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_slices_start_with_a_date_and_numbers_have_a_unit(table: Table) -> None:
    kinds = {column.name: column.type for column in table.columns}
    assert not table.slice_by or kinds[table.slice_by[0]] == pa.date32()
    assert [c.name for c in table.columns if pa.types.is_floating(c.type) and not c.unit] == []


def test_a_shard_has_two_bytes_a_dimension() -> None:
    assert activation_shard(576).field("activation").type == pa.binary(1152)
