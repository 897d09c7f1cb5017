"""Made-up companies in industries that share themes, words, codes and what moves their returns."""

import numpy as np
import polars as pl

from assets.clusters.methods import Known
from assets.clusters.peer_methods.nearness import Evidence

COMPANIES, INDUSTRIES = 32, 8
WORDS = ("crude", "cola", "rigs", "loans", "steel", "chips", "drugs", "hotels")


def planted(companies: int = COMPANIES, months: int = 60, without_history: int = 0, alike: bool = False) -> Evidence:
    """Return companies that take turns in industries; `alike` puts all into one, with one series of returns.

    The last `without_history` have no returns.
    """
    random = np.random.default_rng(5)
    industry = np.zeros(companies, dtype=np.int64) if alike else np.arange(companies) % INDUSTRIES
    ids = [f"{number:02d}" for number in range(companies)]
    own = "thing" if alike else None
    texts = [
        f"{WORDS[group]} company {own or WORDS[group] * 2} {own or f'maker{number}'}"
        for number, group in enumerate(industry)
    ]
    table = pl.DataFrame(
        {
            "company_id": ids,
            "accession": ids,
            "sic": [f"{10 + group}11" for group in industry],
            "text": texts,
            "embedding": [[1.0, 0.0]] * companies,
            "sector": [None] * companies,
        },
        schema_overrides={"sic": pl.String, "text": pl.String, "sector": pl.String, "embedding": pl.List(pl.Float64)},
    )
    swings = 0.05 * random.normal(size=(months, 1 + INDUSTRIES + companies))
    own_swings = 0.0 if alike else swings[:, 1 + INDUSTRIES :]
    history = swings[:, :1] + swings[:, 1 + industry] + own_swings
    history[:, companies - without_history :] = np.nan
    return Evidence(Known(table, _vectors(ids, industry)), history)


def _vectors(ids: list[str], industry: np.ndarray) -> pl.DataFrame:
    """The industry's theme and one of all companies; of tokens one latent of a half of the industries."""
    shared = {"entry": "e", "block": 2, "peak": 3.0}
    rows = [
        {"company_id": company, "accession": company, "view": view, "latent": latent, "own_weight": weight, **shared}
        for company, group in zip(ids, industry.tolist(), strict=True)
        for view, latent, weight in (("passages", group, 0.8), ("passages", 50, 0.6), ("tokens", 100 + group % 2, 1.0))
    ]
    schema = {"company_id": pl.String, "accession": pl.String, "view": pl.String, "latent": pl.Int32}
    schema |= {"own_weight": pl.Float64, "entry": pl.String, "block": pl.Int32, "peak": pl.Float64}
    both = pl.DataFrame(rows, schema=schema)
    return both.with_columns(weight=pl.col("own_weight") / 2**0.5)
