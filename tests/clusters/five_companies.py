"""Five companies, of which 1 and 2 are alike, 3 and 4 are, and 5 is like nobody: what tests of groups start from."""

from datetime import date

import numpy as np
import polars as pl

from assets import schemas
from assets.clusters.methods import Known, known_companies
from assets.clusters.peer_methods.nearness import Evidence
from assets.clusters.scores import return_matrix

IDS = ["1", "2", "3", "4", "5"]
MONTHS = [date(2004, m, 28) for m in range(1, 9)]
AS_OF = date(2004, 12, 31)


def vectors() -> pl.DataFrame:
    """Companies 1 and 2 share latent 0, 3 and 4 latent 1, 5 has latent 2 alone; unit length."""
    cells = [("1", 0, 0.8), ("1", 3, 0.6), ("2", 0, 0.8), ("2", 4, 0.6), ("3", 1, 1.0), ("4", 1, 1.0), ("5", 2, 1.0)]
    rows = [
        {"company_id": c, "accession": f"a{c}", "entry": "e", "block": 2, "latent": latent, "weight": weight}
        for c, latent, weight in cells
    ]
    themes = pl.DataFrame(rows).with_columns(view=pl.lit("passages"), own_weight="weight")
    words = themes.with_columns(view=pl.lit("tokens"), entry=pl.lit("t"))
    return pl.concat(
        [
            themes.with_columns(weight=pl.col("weight") * 0.8**0.5),
            words.with_columns(weight=pl.col("weight") * 0.2**0.5),
        ]
    )


def known() -> Known:
    accessions = [f"a{c}" for c in reversed(IDS)]
    sectors = [None, None, "oil", "drinks", "drinks"]
    told = {"sector": sectors, "industry": sectors}
    filings = pl.DataFrame({"accession": accessions, "sic": [None, "2911", "2911", "2086", "2080"], **told})
    texts = ["hats", "oil gas wells", "oil gas pipes", "cola syrup", "syrup cola"]
    descriptions = pl.DataFrame({"accession": accessions, "text": texts})
    points = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.1], [0.0, 1.0, 0.0], [1.0, 0.1, 0.0], [1.0, 0.0, 0.0]]
    embeddings = pl.DataFrame({"accession": accessions, "embedding": points})
    means = pl.DataFrame({"accession": accessions, "block": 2, "vector": points})
    encoded = means.select("accession", "vector")
    return known_companies(vectors(), filings, descriptions, embeddings, means, encoded)


def returns() -> pl.DataFrame:
    """1 and 2 move together, 3 and 4 together, 5 alone."""
    random = np.random.default_rng(0)
    a, b, c = random.normal(size=(3, len(MONTHS)))
    series = {"1": a, "2": a + 0.01 * b, "3": b, "4": b + 0.01 * c, "5": c}
    rows = [(i, m, float(v), []) for i, values in series.items() for m, v in zip(MONTHS, values, strict=True)]
    return schemas.MONTHLY_RETURNS.frame(
        dict(zip(("company_id", "month", "log_return", "flags"), row, strict=True)) for row in rows
    )


def evidence(known: Known, rows: pl.DataFrame) -> Evidence:
    """Return what methods are given, from rows of `monthly_returns`."""
    return Evidence(known, return_matrix(rows, known.ids, rows["month"].unique().sort().to_list()))


def without_passages(*companies: str) -> Known:
    everyone = known()
    lost = (pl.col("view") == "passages") & pl.col("company_id").is_in(companies)
    return Known(everyone.companies, everyone.vectors.filter(~lost))
