"""Files that a profile names for methods of naming peers: opened as of a date, and their digests."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

from assets.clusters.peer_methods.nearness import Given
from assets.partitions import month_name, months_later
from resources.fundamentals import EMPTY, FundamentalsError, read_fundamentals
from resources.lake.digests import file_digest
from resources.lake.recipe import Slices
from resources.noun_index import NounIndexError, read_nouns
from resources.published_pairs import PublishedPairsError, published_pairs
from resources.settings.clusters import Clusters
from resources.settings.profile import ProfileError

MONTHS_TO_FILE = 6
"""After the end of its fiscal year a company has filed its report, late ones too."""


def known_year(as_of: date) -> int:
    """Return the last year all of whose fiscal years were reported on at a date."""
    return months_later(month_name(as_of), -MONTHS_TO_FILE).year - 1


def given_at(settings: Clusters, as_of: date) -> Given:
    """Return what the files say that was known at a date.

    Raises
    ------
    ProfileError
        A file is not what its setting asks for.
    """
    theirs = settings.hoberg_phillips
    try:
        return Given(
            published_pairs(theirs.pairs, theirs.cik_link, known_year(as_of))
            if theirs.pairs and theirs.cik_link
            else None,
            read_nouns(settings.nouns) if settings.nouns else None,
        )
    except (PublishedPairsError, NounIndexError) as error:
        raise ProfileError(f"clusters: {error}") from error


def digests(settings: Clusters) -> Slices:
    """Return the digest of each file that is named.

    Raises
    ------
    ProfileError
        A file cannot be read.
    """
    theirs = settings.hoberg_phillips
    return _digests({"nouns": settings.nouns, "pairs": theirs.pairs, "cik_link": theirs.cik_link})


def figures_digest(settings: Clusters) -> Slices:
    """Return the digest of the file of fundamentals, where one is named; raises as `digests`."""
    return _digests({"fundamentals": settings.fundamentals})


def figures_of(settings: Clusters, company_ids: Sequence[str]) -> pl.DataFrame:
    """Return the figures of fiscal years of these companies; none where no file is named.

    Raises
    ------
    ProfileError
        The file is not what the setting asks for.
    """
    if settings.fundamentals is None:
        return EMPTY
    try:
        return read_fundamentals(settings.fundamentals, company_ids)
    except FundamentalsError as error:
        raise ProfileError(f"clusters.fundamentals: {error}") from error


def _digests(named: Mapping[str, Path | None]) -> Slices:
    try:
        return {name: _digest(file, *_version(file)) for name, file in named.items() if file}
    except OSError as error:
        raise ProfileError(f"clusters.{error.filename}: {error.strerror}; is it there?") from error


def _version(file: Path) -> tuple[int, int]:
    said = file.stat()
    return said.st_size, said.st_mtime_ns


@cache
def _digest(file: Path, size: int, changed: int) -> str:
    # Every date asks, and their file has some hundred MB.
    return file_digest(file)
