"""Settings of the strategies that trade peers."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resources.settings.section import Months, Real, Section, Seed, ShareBelowOne, Whole

Z = Annotated[Real, Field(ge=-100, le=100)]


Criterion = Literal["aic", "bic"]
"""How lags are chosen: Akaike's or Bayes' information criterion."""
FEWEST_DAYS_TO_CHOOSE = 22
"""From here on the largest number of lags compared is Schwert's and leaves more days than it has regressors; on fewer
the criterion would choose a regression that fits exactly."""


def fewest_days(lags: int | Criterion) -> int:
    """Return the fewest days of prices on which a pair can be tested with these Dickey-Fuller lags."""
    return 2 * lags + 4 if isinstance(lags, int) else FEWEST_DAYS_TO_CHOOSE


def most_lags(days: int) -> int:
    """Return the most lags among which a criterion chooses: 12 (days / 100)^(1/4) rounded up (Schwert 1989).

    At most half of the days less one, as in `statsmodels.tsa.stattools.adfuller`.
    """
    return min(days // 2 - 1, math.ceil(12.0 * math.pow(days / 100.0, 0.25)))


class Backtest(Section):
    """Pairs trading, peer-relative mean reversion, and hedged holding."""

    formation_months: Months = 60
    """Months before the as-of date on which pairs are tested."""
    trading_months: Months = 12
    """Months after it in which they are traded."""
    autolag: Literal["aic", "bic", "fixed"] = "aic"
    """How the lags of a pair's Dickey-Fuller regression are chosen: an information criterion, or the same for all."""
    adf_lags: Annotated[Whole, Field(ge=0, le=100)] = 1
    """Lags of that regression where `autolag` is `fixed`."""
    min_common_days: Annotated[Real, Field(gt=0, le=1)] = 0.9
    """Share of the window's trading days on which both companies must have a price; other days are left out."""
    johansen: bool = False
    """Whether Johansen's test stands beside Engle and Granger's; it takes milliseconds a pair and selects nothing."""
    false_discovery_rate: ShareBelowOne = 0.05
    """Benjamini-Hochberg level."""
    max_pairs: Annotated[Whole, Field(gt=0, le=100_000)] = 20
    """Pairs in a book per as-of date, smallest p first."""
    random_pairs: Annotated[Whole, Field(gt=0, le=1_000_000)] = 400
    """Random pairs tested per as-of date, the placebo."""
    placebo_books: Annotated[Whole, Field(gt=0, le=100_000)] = 200
    """Books of random pairs beside every book, with as many pairs at each date."""
    entry_z: Annotated[Z, Field(gt=0)] = 1.0
    """Open where the spread is this many standard deviations off."""
    exit_z: Z = 0.0
    """Close where it is back."""
    stop_z: Z = 2.0
    """Close where it runs on to this."""
    max_holding_days: Annotated[Whole, Field(gt=0, le=100_000)] | None = None
    """Close a pair after this many trading days; empty for no such stop."""
    max_holding_half_lives: Annotated[Real, Field(gt=0, le=10_000)] | None = None
    """Close a pair after this many half-lives of its spread, where it has one; empty for no such stop."""
    leg_usd: Annotated[Real, Field(ge=1, le=1e9)] = 5_000.0
    """Size of the first leg at opening, and of each name of the other strategies (USD): accounts are in whole cents,
    and exact up to some ten thousand legs of the largest size."""
    legs: Literal["beta_neutral", "dollar_neutral"] = "beta_neutral"
    """Size of a pair's second leg: hedge ratio times `leg_usd`, which is what makes up the spread, or `leg_usd`."""
    negative_hedge: Literal["leave_out", "one_side"] = "leave_out"
    """Pairs with a negative hedge ratio are not traded, or both legs are bought, or sold, together."""
    max_name_share: Annotated[Real, Field(gt=0, le=100)] | None = 0.25
    """Nothing is opened that brings the positions in one name above this share of a full book; empty for no cap."""
    max_gross: Annotated[Real, Field(gt=0, le=100)] | None = 1.5
    """Nothing is opened that brings all positions above this multiple of a full book; empty for no cap."""
    halt_days: Annotated[Whole, Field(gt=0, le=1000)] = 5
    """Trading days without a price after which a name has stopped trading; until then it is halted."""
    delisting_return: Annotated[Real, Field(ge=-1, le=10)] = 0.0
    """Return on the last price of a name that has stopped trading; no source of prices tells one."""
    basket_peers: Annotated[Whole, Field(gt=0, le=1000)] = 10
    """Most peers in a fitted basket: the nearest ones, or as many of a group."""
    rebalance: Literal["weekly", "monthly"] = "monthly"
    """When peer-relative mean reversion trades: on the first trading day of each week or month."""
    reversion_share: Annotated[Real, Field(gt=0, le=0.5)] = 0.2
    """Share of the names that it buys, and as many that it sells."""
    cost_bps: Annotated[Real, Field(ge=0, le=10_000)] = 5.0
    """Cost per side traded (basis points)."""
    borrow_bps: Annotated[Real, Field(ge=0, le=1_000_000)] = 50.0
    """Borrow on the short leg (basis points a year)."""
    seed: Seed = 0
    """Seed of the random pairs, of the placebo books and of the bootstrap."""

    @property
    def lags(self) -> int | Criterion:
        """The number of lags, or how it is chosen."""
        return self.adf_lags if self.autolag == "fixed" else self.autolag

    @model_validator(mode="after")
    def _opens_between_exit_and_stop(self) -> Self:
        if not self.exit_z < self.entry_z < self.stop_z:
            raise ValueError(
                f"exit_z {self.exit_z:g}, entry_z {self.entry_z:g}, stop_z {self.stop_z:g}: each has to be above the "
                "one before, or a pair would be closed when it is opened"
            )
        return self
