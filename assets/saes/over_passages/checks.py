"""What must hold of autoencoders over passages, and what a person should know where it does not."""

import numpy as np
import polars as pl

MOST_DEAD = 0.1
"""Share of latents active on no passage."""
LEAST_OVERLAP = 0.7
"""Share of the ten nearest companies that the second autoencoder finds, too."""
Check = tuple[str, bool, str]


def passage_checks(scores: pl.DataFrame) -> list[Check]:
    """Return name, whether it holds, and a sentence, for rows of `passage_sae_scores`; only the first must hold."""
    fvu, dead = scores["fvu"], scores["dead_share"]
    return [
        ("scores_are_finite", bool(fvu.is_finite().all()), f"FVU {_span(fvu)} on passages of validation companies"),
        ("explains_passages", _all(fvu < 1), f"FVU is up to {_most(fvu):.2f}; 1 explains nothing"),
        ("few_dead_latents", _all(dead <= MOST_DEAD), f"up to {_most(dead):.1%} are dead, {MOST_DEAD:.0%} is allowed"),
        _agreement(scores["overlap10"].drop_nulls()),
    ]


def _agreement(overlap: pl.Series) -> Check:
    name = "a_second_one_agrees"
    if overlap.is_empty():
        return name, True, "not measured: there is no second autoencoder, or there are fewer than 21 companies"
    said = f"trained on nine tenths of the companies it shares {_span(overlap)} of the ten nearest"
    return name, _all(overlap >= LEAST_OVERLAP), f"{said}, {LEAST_OVERLAP} is expected"


def _all(holds: pl.Series) -> bool:
    return bool(holds.all())


def _most(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).to_numpy().max(initial=0.0))


def _span(values: pl.Series) -> str:
    low, high = (float(end) for end in np.percentile(values.to_numpy(), [0, 100]))
    return f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}"
