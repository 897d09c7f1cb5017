"""How an asset is declared: `@asset(...)` over a function that takes a `Build`."""

from collections.abc import Callable, Iterable, Mapping

from resources.lake.build import Build
from resources.lake.code_version import code_version
from resources.lake.recipe import Declaration, Fingerprint, Outside, Partitioning, Reads
from resources.lake.table import Table

Make = Callable[[Build], None]
EVERY_ASSET = "*"
"""In place of an input's name: all assets of the other stages."""


def asset(
    *tables: Table,
    partitioning: Partitioning = None,
    reads: Mapping[str, Reads] | None = None,
    lineage: Iterable[str] = (),
    config: Iterable[str] = (),
    asks: Iterable[Outside] = (),
    fingerprint: Fingerprint | None = None,
    kinds: Iterable[str] = (),
    checks: Iterable[str] = (),
    depends_on_paths: bool = False,
    checkpoint_dir: str | None = None,
) -> Callable[[Make], Declaration]:
    """Declare an asset: its name is the function's, its group the stage folder's, its sentence the docstring's.

    Parameters
    ----------
    tables : Table
        What it writes, its own table first.
    partitioning : 'filing_year', 'as_of' or None
        How it is partitioned.
    reads : mapping
        Input asset, or EVERY_ASSET, -> the window of dates that a partition sees of it. Only these rows are in the
        recipe.
    lineage : iterable of str
        Inputs that may be read without making the asset run again when they change.
    config : iterable of str
        Dotted names of the profile's sections that it depends on.
    asks : iterable of 'universe', 'market'
        What of the outside world it reads, through its build; their code is part of its recipe.
    fingerprint : callable
        For sources: digests of the slices that the outside world has now.
    kinds : iterable of str
        What the Dagster UI shows as kinds.
    checks : iterable of str
        Names of its blocking checks.
    depends_on_paths : bool
        Whether it writes down where the files of its inputs lie.
    checkpoint_dir : str or None
        Subfolder whose content an interrupted attempt leaves behind for the next; the function decides what is good.
    """
    outside = tuple(asks)

    def declare(make: Make) -> Declaration:
        return Declaration(
            name=make.__name__,
            group=make.__module__.split(".")[1],
            sentence=" ".join((make.__doc__ or "").split()),
            tables=tables,
            make=make,
            code=code_version(make.__module__, make.__name__, [f"resources.{name}" for name in outside]),
            partitioning=partitioning,
            reads=dict(reads or {}),
            lineage=tuple(lineage),
            config=tuple(config),
            asks=outside,
            fingerprint=fingerprint,
            kinds=frozenset(kinds),
            checks=tuple(checks),
            depends_on_paths=depends_on_paths,
            checkpoint_dir=checkpoint_dir,
        )

    return declare
