"""Progress bars on standard error, and lines that are said while one is there."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from tqdm import tqdm

SCALED = 100_000
"""A bar that goes further than this counts in thousands and millions."""

OpenBar = Callable[[int | None, str], AbstractContextManager[Callable[[int], None]]]
"""Opens a bar over a total (None where nobody knows it) of a unit, as `Build.progress` does."""


def no_bar(total: int | None, unit: str) -> AbstractContextManager[Callable[[int], None]]:
    """Show nothing."""
    return nullcontext(lambda n: None)


@contextmanager
def progress_bar(title: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar with units per second, where standard error is a terminal; a count where nobody knows the total.

    Yields the function that advances it by n.
    """
    large = (total or 0) > SCALED
    with tqdm(
        total=total, unit=f" {unit}", unit_scale=large, desc=title, leave=False, mininterval=1.0, disable=None
    ) as bar:

        def advance(n: int) -> None:
            bar.update(n)

        yield advance


def beside_bars() -> AbstractContextManager[None]:
    """Inside, what is printed on standard error stands above the bars, not in them."""
    return tqdm.external_write_mode(file=sys.stderr)
