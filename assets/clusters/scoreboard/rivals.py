"""How many of the rivals that companies name are among a method's nearest pairs, the naming passages masked.

Hoberg and Phillips (2016) find 47 % by three-digit SIC and 52.5 % by their network, at the share of pairs that
three-digit SIC has. A classification is filled from its next coarser level and the market, so all methods are compared
at one number of pairs.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from statsmodels.stats.proportion import proportion_confint

from assets.clusters.intervals import CONFIDENCE
from assets.clusters.methods import Known
from assets.clusters.peer_methods.nearness import Evidence
from assets.clusters.peer_methods.registry import PLACEBO, nearness
from assets.clusters.peer_methods.tnic import PAIR_SHARE
from assets.clusters.scoreboard.pair_scores import ranked_pairs

MASKED = (
    "sae_passages", "tfidf", "tnic", "past_corr", "sic_then_text", "sic4", "sic3", "major_group", "division",
    "fama_french_48", "sector", "industry", PLACEBO,
)  # fmt: skip
"""Methods that read no text, or one that can be masked: what an encoder or the latents of tokens read whole is not."""
FEWEST_COMPANIES = 3


def masked_evidence(evidence: Evidence, texts: pl.DataFrame, vectors: pl.DataFrame) -> Evidence:
    """Return the same evidence with masked texts (company_id, text) and masked vectors of passages."""
    companies = evidence.known.companies.drop("text").join(texts, on="company_id", how="left", maintain_order="left")
    companies = companies.with_columns(pl.col("text").fill_null(""))
    # A new object: what `evidence` has computed of the whole texts must not be taken over.
    return replace(evidence, known=Known(companies.select(evidence.known.companies.columns), vectors))


def rival_rows(evidence: Evidence, rivals: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield rows of `rival_scores` without as_of: of the pairs in which one names the other, those found.

    Parameters
    ----------
    evidence : Evidence
        Masked.
    rivals : DataFrame
        company_id and rival_id.
    """
    place = {company: number for number, company in enumerate(evidence.known.ids)}
    named = np.zeros((len(place), len(place)))
    for pair in rivals.select("company_id", "rival_id").iter_rows():
        if pair[0] in place and pair[1] in place:
            one, other = (place[company] for company in pair)
            named[one, other] = named[other, one] = 1.0
    pairs = int(named.sum()) // 2
    if not pairs or len(place) < FEWEST_COMPANIES:
        return
    for method in MASKED:
        near = nearness(method, evidence)
        if method != PLACEBO and not near.placed.any():
            continue
        ranked = ranked_pairs(near.similarity, (PAIR_SHARE,))
        found = float(ranked.curve(named, np.empty((0, len(place)))).means[0] * ranked.wanted[0])
        # Of tied pairs each counts with a part, so what is found need not be whole.
        low, high = proportion_confint(min(found, pairs), pairs, alpha=1 - CONFIDENCE, method="wilson")
        yield {"method": method, "pairs": pairs, "found": found, "share": found / pairs, "low": low, "high": high}
