"""Settings of the grouping of blocks that share a sparse autoencoder."""

from typing import Annotated, Literal

from pydantic import Field

from resources.settings.section import Real, Section, Whole

Strategy = Literal["optimal", "complete", "rows_of_tril", "even"]


class Groups(Section):
    """How blocks are grouped (Group-SAE); the last block always stands alone."""

    precision: Annotated[Real, Field(gt=0, le=1)] | None = 0.005
    """Documents are read until every angular distance, in [0, 1], is known to this much (95 %); empty: all."""
    strategy: Strategy = "optimal"
    """`optimal`: exact contiguous partition; `complete`: the paper's text; `rows_of_tril`: its code; `even`: equal."""
    count: Annotated[Whole, Field(gt=0, le=1000)] | None = None
    """Number of groups; empty: the smallest whose AMAD is under `max_amad`, or the best of cost against loss."""
    max_amad: Annotated[Real, Field(gt=0, le=1)] | None = None
    """The paper's threshold of AMAD (in [0, 1]; 0.2 there); empty: the knee of predicted cost against loss decides."""
