"""Industries of Fama and French: a code has one, those that everybody cites are where they are cited."""

from itertools import pairwise

import pytest

from resources.fama_french import RANGES, fama_french_48


def test_there_are_48_industries_and_no_code_is_in_two() -> None:
    parts = [part.partition("-") for ranges in RANGES.values() for part in ranges.split()]
    spans = sorted((int(first), int(last or first)) for first, _, last in parts)
    assert len(RANGES) == 48
    assert all(first <= last for first, last in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize(
    ("code", "industry"),
    [
        ("2086", "Soda"),
        ("2834", "Drugs"),
        ("1311", "Oil"),
        ("2911", "Oil"),
        ("1040", "Gold"),
        ("1220", "Coal"),
        ("7372", "BusSv"),
        ("7373", "Comps"),
        ("3674", "Chips"),
        ("6021", "Banks"),
        ("6211", "Fin"),
        ("5812", "Meals"),
        ("3537", "Autos"),
        ("0100", "Agric"),
        ("100", "Agric"),
        ("4953", "Other"),
    ],
)
def test_a_code_is_in_the_industry_of_its_range(code: str, industry: str) -> None:
    assert fama_french_48(code) == industry


@pytest.mark.parametrize("code", [None, "", "9721", "3990"])
def test_a_code_in_no_range_has_no_industry(code: str | None) -> None:
    assert fama_french_48(code) is None
