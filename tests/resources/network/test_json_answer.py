"""Whatever a server sends, parsing it returns a value or raises one kind of error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.network.json_answer import parse_json

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_a_value_comes_out_as_it_was(value: object) -> None:
    assert parse_json(json.dumps(value).encode(), 1_000_000, 1000) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_value_error(content: bytes) -> None:
    try:
        parse_json(content, 1000, 100)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[" * 900 + b"]" * 900, "more than 500 lists"),
        (b'{"a":' * 600, "more than 500 lists"),
        (b" " * 1_000_001 + b"1", "longer than 1,000,000 bytes"),
    ],
)
def test_what_is_too_much_is_not_parsed(content: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_json(content, 1_000_000, 500)


def test_what_is_nested_too_deep_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        parse_json(b"[" * 200_000, 1_000_000, 1_000_000)


def test_one_endless_number_or_wrong_byte_costs_that_value() -> None:
    digits = b"9" * 5000
    assert parse_json(b'[1, %s, "\xff"]' % digits, 10_000, 10) == [1, digits.decode(), "\ufffd"]
