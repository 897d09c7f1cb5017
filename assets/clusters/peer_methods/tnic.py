"""`tnic`: a text-based network as Hoberg and Phillips (2016) build it.

Words used by at most a quarter of the companies, whether used and not how often; cosine, less the company's median;
what is below the cut that leaves 2.05 % of pairs, as three-digit SIC does, is no link. They keep nouns and proper nouns
and drop places; here all words count, or nouns and proper nouns, places too, where a profile names an index of nouns.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from assets.clusters.peer_methods.nearness import Evidence, Nearness, compared
from assets.clusters.peer_methods.nouns import nouns_of

MOST_COMPANIES = 0.25
PAIR_SHARE = 0.0205


def tnic(evidence: Evidence) -> Nearness:
    """Return the scores of linked companies, 0 of all others."""
    texts, nouns = evidence.known.companies["text"].to_list(), evidence.given.nouns
    return compared(network(texts, None if nouns is None else nouns_of(texts, nouns)))


def network(texts: Sequence[str], words: frozenset[str] | None = None) -> NDArray[np.float64]:
    """Return the scores [n, n]: row i less i's median, so not symmetric; 0 below the cut and with itself.

    Of all words or, where some are given, of these.
    """
    n = len(texts)
    counter = CountVectorizer(binary=True, token_pattern=r"(?u)\b[^\W\d_]{2,}\b")
    used = counter.fit_transform(texts)
    wanted = np.array([words is None or word in words for word in counter.get_feature_names_out()])
    rare = used[:, wanted & (np.asarray(used.sum(axis=0)).ravel() <= MOST_COMPANIES * n)].astype(np.float64)
    norms = np.sqrt(np.asarray(rare.sum(axis=1)).ravel())
    cosines = (rare @ rare.T).toarray() / np.maximum(np.outer(norms, norms), 1.0)
    apart = ~np.eye(n, dtype=bool)
    others = cosines[apart].reshape(n, n - 1)
    scores = cosines - np.median(others, axis=1)[:, None]
    links = max(round(PAIR_SHARE * n * (n - 1)), 1)
    cut = np.partition(scores[apart], -links)[-links]
    return np.where(apart & (scores >= cut) & (scores > 0), scores, 0.0)
