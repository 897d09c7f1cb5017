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
    runs_with: Iterable[str] = (),
    asks: Iterable[Outside] = (),
    also: Iterable[str] = (),
    units: Iterable[str] = (),
    fingerprint: Fingerprint | None = None,
    kinds: Iterable[str] = (),
    checks: Iterable[str] = (),
    advisory: Iterable[str] = (),
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
        Dotted names of the profile's sections and settings that it depends on.
    runs_with : iterable of str
        Settings that it reads besides: they change how it runs, or its inputs hold already what they change. They are
        not in its recipe; any other setting that it reads raises.
    asks : iterable of 'universe', 'market'
        What of the outside world it reads, through its build; their code is part of its recipe.
    also : iterable of str
        Definitions, as `package.module:definition`, that it reaches through an object or that are PLUMBING elsewhere;
        part of its recipe.
    units : iterable of str
        Of an asset that records its units: the definitions that make one. A unit is made again where their code
        changed, and not where only the rest of the body did.
    fingerprint : callable
        For sources: digests of the slices that the outside world has now.
    kinds : iterable of str
        What the Dagster UI shows as kinds.
    checks : iterable of str
        Names of its checks. One that fails stops the build, and nothing is committed.
    advisory : iterable of str
        Those of them that only warn where they fail.
    depends_on_paths : bool
        Whether it writes down where the files of its inputs lie.
    checkpoint_dir : str or None
        Subfolder whose content an interrupted attempt leaves behind for the next; the function decides what is good.
    """
    outside, unit = tuple(asks), tuple(units)
    given = [*(f"resources.{name}" for name in outside), *also]

    def declare(make: Make) -> Declaration:
        roots = (f"{make.__module__}:{make.__name__}", *given, *unit)
        return Declaration(
            name=make.__name__,
            group=make.__module__.split(".")[1],
            sentence=" ".join((make.__doc__ or "").split()),
            tables=tables,
            make=make,
            code=code_version(*roots),
            unit_code=code_version(*unit) if unit else None,
            roots=roots,
            unit_roots=unit,
            partitioning=partitioning,
            reads=dict(reads or {}),
            lineage=tuple(lineage),
            config=tuple(config),
            runs_with=tuple(runs_with),
            asks=outside,
            fingerprint=fingerprint,
            kinds=frozenset(kinds),
            checks=tuple(checks),
            advisory=frozenset(advisory),
            depends_on_paths=depends_on_paths,
            checkpoint_dir=checkpoint_dir,
        )

    return declare
