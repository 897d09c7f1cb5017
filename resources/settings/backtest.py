"""Settings of pairs trading."""

from typing import Annotated

from pydantic import Field

from resources.settings.section import Positive, Section, Share


def fewest_days(lags: int) -> int:
    """Return the fewest days of prices on which a pair can be tested with this many Dickey-Fuller lags."""
    return 2 * lags + 4


class Backtest(Section):
    """Pairs trading."""

    formation_months: Positive = 60
    """Months before the as-of date on which pairs are tested."""
    trading_months: Positive = 12
    """Months after it in which they are traded."""
    adf_lags: Annotated[int, Field(ge=0)] = 1
    """Lags of the Dickey-Fuller regression, the same for every pair."""
    false_discovery_rate: Share = 0.05
    """Benjamini-Hochberg level."""
    max_pairs: Positive = 20
    """Pairs in a book per as-of date, smallest p first."""
    random_pairs: Positive = 400
    """Random pairs tested per as-of date, the placebo."""
    entry_z: float = 1.0
    """Open where the spread is this many standard deviations off."""
    exit_z: float = 0.0
    """Close where it is back."""
    stop_z: float = 2.0
    """Close where it runs on to this."""
    leg_usd: float = 5_000.0
    """Size of each leg at opening (USD)."""
    cost_bps: float = 5.0
    """Cost per side traded (basis points)."""
    borrow_bps: float = 50.0
    """Borrow on the short leg (basis points a year)."""
    seed: int = 0
    """Seed of the random pairs."""
