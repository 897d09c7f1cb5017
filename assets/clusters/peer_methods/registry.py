"""Every method of naming peers, by its name: a new one is a file beside this one, and a line here.

A file holds one function that takes `Evidence` and returns `Nearness`: a similarity through `compared`, or a
classification through `classified`.
"""

import numpy as np

from assets.clusters.methods import FEWEST
from assets.clusters.peer_methods.bert_cls import bert_cls
from assets.clusters.peer_methods.embedding import embedding
from assets.clusters.peer_methods.fama_french import by_fama_french
from assets.clusters.peer_methods.hoberg_phillips import hoberg_phillips
from assets.clusters.peer_methods.industry import industry
from assets.clusters.peer_methods.latents import by_latents
from assets.clusters.peer_methods.lm_mean import lm_mean
from assets.clusters.peer_methods.nearness import Evidence, Nearness, PeerMethod
from assets.clusters.peer_methods.past_returns import past_corr
from assets.clusters.peer_methods.placebo import random_peers
from assets.clusters.peer_methods.sector import sector
from assets.clusters.peer_methods.sic import by_sic
from assets.clusters.peer_methods.sic_then_text import sic_then_text
from assets.clusters.peer_methods.stack import stack
from assets.clusters.peer_methods.tfidf import tfidf
from assets.clusters.peer_methods.tnic import tnic

PLACEBO = "random"
METHODS: dict[str, PeerMethod] = {
    "stack": stack,
    "sae": by_latents("sae"),
    "sae_passages": by_latents("sae_passages"),
    "sae_tokens": by_latents("sae_tokens"),
    "embedding": embedding,
    "lm_mean": lm_mean,
    "bert_cls": bert_cls,
    "tfidf": tfidf,
    "tnic": tnic,
    "hoberg_phillips": hoberg_phillips,
    "past_corr": past_corr,
    "sic_then_text": sic_then_text,
    "sic4": by_sic("sic4"),
    "sic3": by_sic("sic3"),
    "major_group": by_sic("major_group"),
    "division": by_sic("division"),
    "fama_french_48": by_fama_french,
    "sector": sector,
    "industry": industry,
    PLACEBO: random_peers,
}


def nearness(method: str, evidence: Evidence) -> Nearness:
    """Return how near a method finds the companies; of fewer than two there is nobody to compare."""
    n = len(evidence.known.ids)
    if n < FEWEST:
        return Nearness(np.zeros((n, n)), np.zeros(n, dtype=bool))
    return METHODS[method](evidence)
