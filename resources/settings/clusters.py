"""Settings of peer groups."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resources.settings.section import Once, Real, Section, Seed, Share, Text, Whole

FEWEST_MONTHS = 2
"""Months of returns without which nothing can be correlated."""
Months = Annotated[Whole, Field(ge=FEWEST_MONTHS, le=1200)]

Theta = Annotated[Real, Field(ge=-100, le=100)]

SaeMethod = Literal["sae", "sae_passages", "sae_tokens"]
SimilarityMethod = Literal[SaeMethod, "embedding", "tfidf"]
SicLevel = Literal["sic4", "major_group", "division"]
Method = Literal[SimilarityMethod, SicLevel, "sector"]
Linkage = Literal["single", "average", "complete"]
Objective = Literal["pair_lift", "mean_corr"]


class Clusters(Section):
    """Peer groups."""

    methods: Annotated[list[Method], Field(min_length=1), Once] = [
        "sae",
        "sae_passages",
        "sae_tokens",
        "embedding",
        "tfidf",
        "sic4",
        "major_group",
        "division",
    ]
    """What is compared."""
    linkage: Linkage = "average"
    """`single` is the paper's minimum spanning tree; it chains into one giant group."""
    thetas: Annotated[list[Theta], Field(min_length=1, max_length=1000), Once] = [
        round(-4.5 + 0.1 * i, 1) for i in range(36)
    ]
    """Cuts tried, in z-scored cosine distance."""
    objective: Objective = "pair_lift"
    """What picks theta; `mean_corr` is the paper's and rewards a handful of tiny groups."""
    train_months: Months = 60
    """Months of returns before the as-of date that theta is chosen on."""
    horizon_months: Months = 12
    """Months of returns after the as-of date that groups are scored on, once all of them are over."""
    long_horizon_months: Months = 36
    """Months after the as-of date of the second horizon on which peers are scored; not below the first."""
    placebo_draws: Annotated[Whole, Field(ge=20, le=100_000)] = 200
    """Random groupings of the same sizes."""
    neighbours: Annotated[Whole, Field(gt=0, le=10_000)] = 10
    """Nearest companies kept per company."""
    pair_share: Annotated[Real, Field(gt=0, le=1)] = 0.0205
    """Share of all pairs that are links of a network: as many as have the same three-digit SIC code."""
    alert_moved_share: Share = 0.25
    """Companies that move to another group between two dates, as a share of those at both, above which it is an alert:
    a quarter is more than filings of a year change, so a cut or a text went wrong, or the companies did."""
    watched: Annotated[list[Text], Once] = []
    """Companies, by ticker or company_id, a change of whose peers is an alert."""
    seed: Seed = 0
    """Seed of the placebo, and of the bootstrap over companies."""

    @model_validator(mode="after")
    def _long_horizon_is_no_shorter(self) -> Self:
        if self.long_horizon_months < self.horizon_months:
            raise ValueError(
                f"long_horizon_months {self.long_horizon_months} is below horizon_months {self.horizon_months}; "
                "give the longer of the two there"
            )
        return self

    @property
    def horizons(self) -> tuple[int, ...]:
        """Months of the horizons on which peers are scored, each once."""
        return tuple(sorted({self.horizon_months, self.long_horizon_months}))
