"""Settings of peer groups."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resources.settings.section import Once, Place, Real, Section, Seed, Share, Text, Whole

FEWEST_MONTHS = 2
"""Months of returns without which nothing can be correlated."""
Months = Annotated[Whole, Field(ge=FEWEST_MONTHS, le=1200)]

Theta = Annotated[Real, Field(ge=-100, le=100)]

SaeMethod = Literal["sae", "sae_passages", "sae_tokens"]
SimilarityMethod = Literal[
    SaeMethod,
    "embedding",
    "tfidf",
    "tnic",
    "past_corr",
    "sic_then_text",
    "lm_mean",
    "bert_cls",
    "hoberg_phillips",
    "stack",
]
SicLevel = Literal["sic4", "major_group", "division"]
Classification = Literal[SicLevel, "sic3", "fama_french_48", "sector", "industry"]
Method = Literal[SimilarityMethod, Classification]
"""The names of the registry of peer methods, without its placebo; a test holds the two together."""
Linkage = Literal["complete", "average", "single"]
Grouping = Literal[Linkage, "leiden"]
Cut = Literal["pair_share", "theta"]
Objective = Literal["pair_lift", "mean_corr"]


class HobergPhillips(Section):
    """The pairs that Hoberg and Phillips publish, as one more method of naming peers."""

    pairs: Place | None = None
    """Their file `tnic3_data.txt`, unpacked: year, gvkey1, gvkey2, score."""
    cik_link: Place | None = None
    """Your file with the columns gvkey and cik, separated by tabs or commas."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.pairs is None) != (self.cik_link is None):
            given, lacks = ("pairs", "cik_link") if self.cik_link is None else ("cik_link", "pairs")
            raise ValueError(f"{given} is set and {lacks} is not; name both files, or neither")
        return self


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
    linkage: Grouping = "complete"
    """`single` is the paper's minimum spanning tree; it chains into one giant group. `leiden` takes communities of the
    mutual nearest neighbours instead of a tree; it needs the extra `leiden`."""
    cut: Cut = "pair_share"
    """What decides how many groups there are: a stated share of pairs, or `theta`, which past returns choose."""
    pair_share: Annotated[Real, Field(gt=0, le=1)] = 0.0205
    """Share of all pairs of companies that groups hold, at the most, and that are links of a network; three digits of
    SIC hold 2.05 % of pairs."""
    thetas: Annotated[list[Theta], Field(min_length=1, max_length=1000), Once] = [
        round(-4.5 + 0.1 * i, 1) for i in range(36)
    ]
    """Cuts tried by `cut: theta`, in z-scored cosine distance."""
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
    """Nearest companies kept per company, and of whom `leiden` takes the mutual ones."""
    nouns: Place | None = None
    """WordNet's `index.noun`: then `tnic` counts nouns and proper nouns alone, as Hoberg and Phillips do."""
    hoberg_phillips: HobergPhillips = HobergPhillips()
    """The pairs that Hoberg and Phillips publish."""
    bert: Place | None = None
    """Folder of a BERT-like encoder, as transformers saves it: then `bert_cls` compares its [CLS] vectors of texts."""
    fundamentals: Place | None = None
    """Figures of fiscal years, on which peers are scored besides returns: a CSV or Parquet file with the columns cik,
    fiscal_year_end, operating_income, assets and sales, or the SEC's `companyfacts.zip`."""
    stability_draws: Annotated[Whole, Field(ge=0, le=10_000)] = 20
    """Bootstrap draws of which each group is formed again, to say how firmly every member is in it; 0 is off."""
    stability_methods: Annotated[list[SimilarityMethod], Once] = ["sae"]
    """Methods that are drawn again; each takes its similarity and its tree once a draw."""
    alert_moved_share: Share = 0.25
    """Companies that move to another group between two dates, as a share of those at both, above which it is an alert:
    a quarter is more than filings of a year change, so a cut or a text went wrong, or the companies did."""
    watched: Annotated[list[Text], Once] = []
    """Companies, by ticker or company_id, a change of whose peers is an alert."""
    seed: Seed = 0
    """Seed of the placebo, of both bootstraps, and of `leiden`."""

    @model_validator(mode="after")
    def _long_horizon_is_no_shorter(self) -> Self:
        if self.long_horizon_months < self.horizon_months:
            raise ValueError(
                f"long_horizon_months {self.long_horizon_months} is below horizon_months {self.horizon_months}; "
                "give the longer of the two there"
            )
        return self

    @model_validator(mode="after")
    def _theta_cuts_a_tree(self) -> Self:
        if self.cut == "theta" and self.linkage == "leiden":
            raise ValueError("cut: theta needs a tree, and leiden has none; use cut: pair_share, or another linkage")
        return self

    @property
    def horizons(self) -> tuple[int, ...]:
        """Months of the horizons on which peers are scored, each once."""
        return tuple(sorted({self.horizon_months, self.long_horizon_months}))
