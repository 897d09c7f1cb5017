"""SIC codes fall into the groups of the manual, and a company has the code of its newest filing, as filed."""

import polars as pl
import pytest

from assets import schemas
from assets.sic import SicError, division_name, sic_group, sic_groups


@pytest.mark.parametrize(
    ("code", "division"),
    [
        ("0100", "A"),
        ("100", "A"),
        ("1311", "B"),
        ("1531", "C"),
        ("2086", "D"),
        ("3999", "D"),
        ("4911", "E"),
        ("5045", "F"),
        ("5411", "G"),
        ("6021", "H"),
        ("7372", "I"),
        ("9721", "J"),
        ("1800", None),
        ("0000", None),
        (None, None),
    ],
)
def test_sic_codes_fall_into_the_divisions_of_the_manual(code: str | None, division: str | None) -> None:
    assert sic_group(code, "division") == division


@pytest.mark.parametrize(
    ("sic", "division"),
    [
        ("0100", "Agriculture"),
        ("2086", "Manufacturing"),
        ("6021", "Finance"),
        ("9995", "Public administration"),
        (None, "Not known"),
        ("", "Not known"),
    ],
)
def test_division_follows_the_first_two_digits(sic: str | None, division: str) -> None:
    assert division_name(sic_group(sic, "division")) == division


@pytest.mark.parametrize(
    ("code", "groups"),
    [
        ("2086", ("2086", "20", "D")),
        ("700", ("0700", "07", "A")),
        ("1800", (None, None, None)),
        ("0000", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_a_code_is_in_a_group_of_every_level_or_of_none(code: str | None, groups: tuple[str | None, ...]) -> None:
    assert (sic_group(code, "sic4"), sic_group(code, "major_group"), sic_group(code, "division")) == groups


def test_every_filing_has_a_row_with_its_code_as_filed() -> None:
    filings = pl.DataFrame({"company_id": ["1", "2", "3"], "accession": ["a", "b", "c"], "sic": ["700", "0000", None]})
    rows = sic_groups(filings)
    assert rows.rows() == [("1", "a", "700", "07", "A"), ("2", "b", "0000", None, None), ("3", "c", None, None, None)]
    dated = rows.with_columns(as_of=pl.lit("2004-12-31").str.to_date())
    assert schemas.SIC_GROUPS.validate(dated).num_rows == 3


def test_a_code_of_other_characters_is_refused() -> None:
    with pytest.raises(SicError, match="'20x6' is not three or four digits"):
        sic_groups(pl.DataFrame({"company_id": ["1"], "accession": ["a"], "sic": ["20x6"]}))
