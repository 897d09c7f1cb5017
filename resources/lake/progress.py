"""Progress bars on standard error, and log lines printed while a bar is shown."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from tqdm import tqdm

SCALED = 100_000
"""A bar with a larger total counts in thousands and millions."""

OpenBar = Callable[[int | None, str], AbstractContextManager[Callable[[int], None]]]
"""Opens a bar over a total (None where nobody knows it) of a unit, as `Build.progress` does."""


def no_bar(total: int | None, unit: str) -> AbstractContextManager[Callable[[int], None]]:
    """Show nothing."""
    return nullcontext(lambda n: None)


@contextmanager
def progress_bar(title: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Show a bar with units per second if standard error is a terminal; a plain count if `total` is None.

    Yields the function that advances the bar by n.
    """
    large = (total or 0) > SCALED
    # disable=None: tqdm draws nothing unless standard error is a terminal.
    with tqdm(
        total=total, unit=f" {unit}", unit_scale=large, desc=title, leave=False, mininterval=1.0, disable=None
    ) as bar:

        def advance(n: int) -> None:
            bar.update(n)

        yield advance


def beside_bars() -> AbstractContextManager[None]:
    """Print lines on standard error above the bars while the block runs, not into them."""
    return tqdm.external_write_mode(file=sys.stderr)
