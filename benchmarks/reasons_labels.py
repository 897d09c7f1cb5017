"""Labels of reasons.py: how well they tell their latents, and how well other things are told by the same code."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from reasons_texts import Texts
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from assets.features.labels.label import MIN_WINDOWS, label_latents
from assets.features.labels.rules import score
from assets.features.labels.terms import find_terms
from assets.features.labels.windows import Windows, draw
from assets.saes.model.standard import Standard
from resources.settings.features import Labels

LEAST_SCORE = 0.7
CLUSTERS, DIRECTIONS = 256, 64


def label_figures(labels: pl.DataFrame) -> dict[str, float]:
    """Return number labelled and scored, mean detection score of these, and their share at 0.7 or more."""
    named = labels.filter(pl.col("label").is_not_null())
    scores = named["detection_score"].drop_nulls().to_numpy()
    return {"labelled": float(named.height), "scored": float(len(scores)), **_of(scores)}


def random_figures(windows: Windows, labels: pl.DataFrame, seed: int = 0) -> dict[str, float]:
    """Return the figures of labels that were dealt out to the scored latents at random, on the scoring set."""
    scored = _scored(labels)
    dealt = np.random.default_rng(seed).permutation(scored.height)
    return _figures_on(windows, scored, scored["terms"][dealt].to_list(), windows.sets[2])


def figures_here(windows: Windows, labels: pl.DataFrame) -> dict[str, float]:
    """Return the figures of labels that were made on other texts, on all of these."""
    scored = _scored(labels)
    return _figures_on(windows, scored, scored["terms"].to_list(), np.arange(len(windows.texts)))


def _scored(labels: pl.DataFrame) -> pl.DataFrame:
    return labels.filter(pl.col("label").is_not_null() & pl.col("detection_score").is_not_null())


def _figures_on(
    windows: Windows, scored: pl.DataFrame, terms: Sequence[Sequence[str]], rows: NDArray[np.int64]
) -> dict[str, float]:
    known = find_terms(windows.texts, windows.companies.tolist(), np.arange(len(windows.texts)))
    place = {name: i for i, name in enumerate(known.names)}
    found = []
    for (latent, level), rule in zip(scored.select("latent", "level").iter_rows(), terms, strict=True):
        drawn = draw(windows.values[:, latent], windows.nearness[:, latent], rows, level, latent)
        if drawn.size >= MIN_WINDOWS:
            # A term that no two companies use here hits nothing.
            found.append(score(known.hits([place[term] for term in rule if term in place]), drawn).value)
    return {"labelled": float(scored.height), "scored": float(len(found)), **_of(np.array(found))}


def baselines(texts: Texts, settings: Labels) -> Mapping[str, dict[str, float]]:
    """Return the figures of k-means clusters and of PCA directions of the same vectors, labelled by the same code."""
    x = Standard.measured(texts.x).of(texts.x)
    ways = {f"k-means, {CLUSTERS} clusters": _clusters(x), f"PCA, {DIRECTIONS} directions, both signs": _directions(x)}
    return {name: label_figures(label_latents(windows_of(texts, *way), settings)) for name, way in ways.items()}


def windows_of(texts: Texts, values: NDArray[np.float32], nearness: NDArray[np.float32]) -> Windows:
    """Return the passages of a corpus with activations in them."""
    text, owners, documents = (texts.corpus[name].to_list() for name in ("text", "company_id", "accession"))
    return Windows(text, owners, documents, values, nearness)


def _clusters(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cosines with the centre, 0 where a passage is of another cluster, and all cosines."""
    directions = x / np.linalg.norm(x, axis=1, keepdims=True)
    found = KMeans(min(CLUSTERS, len(x) // 4), n_init=1, max_iter=20, random_state=0).fit(directions)
    centres = found.cluster_centers_ / np.linalg.norm(found.cluster_centers_, axis=1, keepdims=True)
    cosine = np.asarray(directions @ centres.T, dtype=np.float32)
    own = found.labels_[:, None] == np.arange(len(centres))
    return np.where(own, np.maximum(cosine, 1e-6), 0).astype(np.float32), cosine


def _directions(x: NDArray[np.float32], k: int = 12) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return whitened scores, of each passage the k largest, as an autoencoder has k latents, and all scores."""
    scores = PCA(DIRECTIONS, whiten=True, random_state=0).fit_transform(x)
    both = np.concatenate([scores, -scores], axis=1).astype(np.float32)
    least = -np.partition(-both, k - 1, axis=1)[:, k - 1 : k]
    return np.where((both >= least) & (both > 0), both, 0).astype(np.float32), both


def _of(scores: NDArray[np.float64]) -> dict[str, float]:
    if not len(scores):
        return {"mean": float("nan"), "share_07": float("nan")}
    return {"mean": float(scores.mean()), "share_07": float((scores >= LEAST_SCORE).mean())}
