"""Settings of the company-similarity paper as it was published (docs/paper.md); off by default."""

from typing import Annotated, Literal

from pydantic import Field

from resources.settings.section import Once, Place, Real, Section, Seed, Whole

PaperMethod = Literal["c_cd", "g_cd_r", "sic4", "division", "sbert", "bert"]
Theta = Annotated[Real, Field(ge=-100, le=100)]


class Paper(Section):
    """The paper's own clusters and scores, marked [paper]; they see the future, and are no evidence."""

    enabled: bool = False
    """Whether they are made."""
    methods: Annotated[list[PaperMethod], Field(min_length=1), Once] = ["c_cd", "g_cd_r", "sic4", "division", "sbert"]
    """Which ones; sbert and bert need the extra `paper` (UMAP), bert needs `paper.bert`."""
    components: Annotated[Whole, Field(gt=0, le=100_000)] = 4000
    """Principal components of the standardised features, over all years together; fewer where there are fewer."""
    theta: Theta = -3.13
    """Cut of C-CD, in z-scored cosine distance."""
    thetas: Annotated[list[Theta], Field(min_length=1, max_length=1000), Once] = [
        round(-4.5 + 0.1 * i, 1) for i in range(36)
    ]
    """Cuts that rolling G-CDR chooses from."""
    past_years: Annotated[Whole, Field(gt=0, le=100)] = 5
    """Years before a year whose MeanCorr chooses its cut."""
    spectral_groups: Annotated[Whole, Field(gt=0, le=100_000)] | None = None
    """Clusters of sbert and of bert in a year; empty: as many as sic4 has with two members or more."""
    bert: Place | None = None
    """Folder of the BERT-like encoder of method bert, as transformers saves it."""
    seed: Seed = 0
    """Seed of UMAP and of the k-means in spectral clustering."""
