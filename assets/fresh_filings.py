"""Which filings of a year a body has to read, and what stays of the others: a filing is the unit of its caching."""

from collections.abc import Collection
from typing import NamedTuple

import polars as pl

from resources.lake.build import Build


class FreshFilings(NamedTuple):
    """The filings of a year, in two parts."""

    fresh: pl.DataFrame
    """Rows of `descriptions` whose unit is new or changed, by accession."""
    before: pl.DataFrame
    """Rows of the table that are taken over of all others."""
    kept: int
    """Filings of which they are."""


def fresh_filings(build: Build, table: str, identity: object, excluding: Collection[str] = ()) -> FreshFilings:
    """Record a unit for every description, of its text and of what reads it, and return what is to be read.

    Parameters
    ----------
    table : str
        What the body makes, with a column accession.
    identity : object
        What a unit depends on besides its description, as the hash of a model.
    excluding : collection of str
        Settings that change no unit.
    """
    described, digests = build.read("descriptions").sort("accession"), build.filing_digests("descriptions")
    kept = build.record_units({accession: [digest, identity] for accession, digest in digests.items()}, excluding)
    unchanged = pl.col("accession").is_in(sorted(kept))
    return FreshFilings(described.filter(~unchanged), build.before(table).filter(unchanged), len(kept))
