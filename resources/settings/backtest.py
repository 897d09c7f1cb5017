"""Settings of pairs trading."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from resources.settings.section import Months, Real, Section, Seed, ShareBelowOne, Whole

Z = Annotated[Real, Field(ge=-100, le=100)]


def fewest_days(lags: int) -> int:
    """Return the fewest days of prices on which a pair can be tested with this many Dickey-Fuller lags."""
    return 2 * lags + 4


class Backtest(Section):
    """Pairs trading."""

    formation_months: Months = 60
    """Months before the as-of date on which pairs are tested."""
    trading_months: Months = 12
    """Months after it in which they are traded."""
    adf_lags: Annotated[Whole, Field(ge=0, le=100)] = 1
    """Lags of the Dickey-Fuller regression, the same for every pair."""
    false_discovery_rate: ShareBelowOne = 0.05
    """Benjamini-Hochberg level."""
    max_pairs: Annotated[Whole, Field(gt=0, le=100_000)] = 20
    """Pairs in a book per as-of date, smallest p first."""
    random_pairs: Annotated[Whole, Field(gt=0, le=1_000_000)] = 400
    """Random pairs tested per as-of date, the placebo."""
    entry_z: Annotated[Z, Field(gt=0)] = 1.0
    """Open where the spread is this many standard deviations off."""
    exit_z: Z = 0.0
    """Close where it is back."""
    stop_z: Z = 2.0
    """Close where it runs on to this."""
    leg_usd: Annotated[Real, Field(gt=0, le=1e12)] = 5_000.0
    """Size of each leg at opening (USD)."""
    cost_bps: Annotated[Real, Field(ge=0, le=10_000)] = 5.0
    """Cost per side traded (basis points)."""
    borrow_bps: Annotated[Real, Field(ge=0, le=1_000_000)] = 50.0
    """Borrow on the short leg (basis points a year)."""
    seed: Seed = 0
    """Seed of the random pairs."""

    @model_validator(mode="after")
    def _opens_between_exit_and_stop(self) -> Self:
        if not self.exit_z < self.entry_z < self.stop_z:
            raise ValueError(
                f"exit_z {self.exit_z:g}, entry_z {self.entry_z:g}, stop_z {self.stop_z:g}: each has to be above the "
                "one before, or a pair would be closed when it is opened"
            )
        return self
