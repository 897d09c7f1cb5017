"""Progress bars on standard error, and log lines printed while a bar is shown."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tqdm import tqdm

SCALED = 100_000
"""A bar with a larger total counts in thousands and millions."""


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
