"""Similarities from company_features by NumPy alone: what every method is held against."""

import numpy as np
import polars as pl

from resources.settings.features import Features

Cosines = dict[str, np.ndarray]


def cosines_by_hand(features: pl.DataFrame, labels: pl.DataFrame, settings: Features) -> tuple[list[str], Cosines]:
    """Companies, sorted, and their cosines by method: of each view, and the views' mean weighted by their shares.

    Every company has both views, each of one block.
    """
    known = labels.filter(pl.col("label").is_not_null() & (pl.col("detection_score") >= 0.7))
    told = {*known.select("entry", "latent").iter_rows()}
    weightings = {"passages": "idf", "tokens": settings.weighting}
    companies = sorted(set(features["company_id"]))
    by_view = {
        view: _cosines(features.filter(view=view), companies, weighting, told, settings.told_weight)
        for view, weighting in weightings.items()
    }
    shares = settings.views
    both = shares.passages * by_view["passages"] + shares.tokens * by_view["tokens"]
    whole = both / (shares.passages + shares.tokens)
    return companies, {"sae": whole, "sae_passages": by_view["passages"], "sae_tokens": by_view["tokens"]}


def _cosines(
    features: pl.DataFrame, companies: list[str], weighting: str, told: set[tuple[str, int]], told_weight: float
) -> np.ndarray:
    """Weigh the dense matrix of a view, normalise its rows, multiply."""
    latents = sorted(set(features.select("entry", "latent").iter_rows()))
    values = np.zeros((len(companies), len(latents)))
    for company, entry, latent, value in features.select("company_id", "entry", "latent", "value").iter_rows():
        values[companies.index(company), latents.index((entry, latent))] = value
    n, mean, sd = len(companies), values.mean(axis=0), values.std(axis=0)
    idf = np.log((1 + n) / (1 + (values > 0).sum(axis=0))) + 1
    unusual = np.where(sd > 1e-6 * mean, np.maximum(values - mean, 0), 0) / np.where(sd > 0, sd, 1)
    damped = {"log_idf": np.log1p(values), "sqrt_idf": np.sqrt(values), "idf": values}
    weighted = unusual if weighting == "excess" else damped[weighting] * idf
    weighted = weighted * np.where([latent in told for latent in latents], told_weight, 1.0)
    unit = weighted / np.linalg.norm(weighted, axis=1, keepdims=True)
    return np.asarray(unit @ unit.T)
