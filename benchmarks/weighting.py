"""How token latents are pooled and weighted, and of which blocks: chosen on the months before the first as-of date.

    python benchmarks/weighting.py                                             the sample
    python benchmarks/weighting.py --profile benchmarks/sp500.yaml

Reads a lake that was refreshed with `activations.keep: all` (PEERLENS_HOME, or --home): token shards, autoencoders,
returns. Nothing after the first as-of date is looked at. Prints tables in Markdown, and one line of JSON.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
from co_movement import Returns, cross_section_r2, nearest, nearest_correlation, newey_west
from numpy.typing import NDArray
from tqdm import tqdm

from assets.activations.shards.part import Document
from assets.activations.shards.shards import Shards
from assets.clusters.baselines import tfidf_similarity
from assets.features.attribution import company_vectors, cosines, dense
from assets.features.encoding import chosen_entries, encode_stream
from assets.features.pooling import pool_filing
from assets.known_at import newest_filings
from assets.partitions import month_end
from assets.prices.usable import usable
from assets.saes.model.sae import Sae
from assets.saes.stored import StoredSaes
from resources.environment import home, open_profile
from resources.lake.lake import Lake
from resources.settings.features import Pooling, Weighting
from resources.settings.profile import Profile

Similarities = Mapping[tuple[Weighting, Pooling, int], NDArray[np.float64]]
BASE = {"blocks": "24", "weighting": "excess", "pooling": "mean"}
"""What the others are compared with: the way of the first releases."""


def pooled_features(
    documents: Iterable[Document], saes: Mapping[int, Sae], companies: Mapping[str, str], massive_norm: float
) -> dict[tuple[Pooling, int], pl.DataFrame]:
    """Return what `company_vectors` reads, for every pooling and block; each text is encoded once.

    Parameters
    ----------
    companies : mapping
        Accession -> company of every document.
    """
    rows: dict[tuple[Pooling, int], list[pl.DataFrame]] = defaultdict(list)
    for document in documents:
        company = {"company_id": pl.lit(companies[document.accession]), "accession": pl.lit(document.accession)}
        for block, sae in saes.items():
            values, indices, keep = encode_stream(document.streams[block], sae, block, massive_norm)
            spans = document.tokens.char_start, document.tokens.char_end
            for pooling in get_args(Pooling):
                pooled = pool_filing(values, indices, keep, *spans, pooling=pooling)
                rows[pooling, block].append(pooled.with_columns(block=pl.lit(block, pl.Int32), **company))
    tags = {"view": pl.lit("tokens"), "entry": pl.lit("entry")}
    return {key: pl.concat(found).with_columns(**tags) for key, found in rows.items()}


def similarities(features: Mapping[tuple[Pooling, int], pl.DataFrame], ids: list[str]) -> Similarities:
    """Return cosines [n, n] of these companies by weighting, pooling and block; weights come from all companies."""
    found = {}
    for (pooling, block), rows in tqdm(features.items(), "similarities", leave=False):
        for weighting in get_args(Weighting):
            known, matrix = dense(company_vectors(rows, weighting, {"tokens": 1.0}))
            at = {company: number for number, company in enumerate(known)}
            # A company whose vector is 0 (excess, where nothing is unusual) is near nobody.
            places = np.array([at.get(company, -1) for company in ids])
            cosine = cosines(matrix)[np.ix_(places, places)]
            cosine[places < 0, :] = cosine[:, places < 0] = 0.0
            found[weighting, pooling, block] = cosine
    return found


def scored(name: dict[str, str], similarity: NDArray[np.float64], returns: Returns, rest: Any) -> dict[str, Any]:
    """Return a row of the table: R2 by month, and nearest-5 correlation less the market."""
    peers = nearest(similarity)
    r2 = cross_section_r2(peers, returns.values)
    return {**name, "monthly": r2, "R2": float(r2.mean()), "nearest 5": nearest_correlation(peers, rest)}


def rows_of(found: Similarities, returns: Returns, blocks: list[int]) -> list[dict[str, Any]]:
    """Return a row for every weighting, pooling and set of blocks; several blocks count alike."""
    rest = returns.rest_correlations()
    sets = [chosen for size in range(1, len(blocks) + 1) for chosen in combinations(blocks, size)]
    rows = []
    for chosen in sets:
        for weighting in get_args(Weighting):
            for pooling in get_args(Pooling):
                mean = np.mean([found[weighting, pooling, block] for block in chosen], axis=0)
                name = {"blocks": " + ".join(map(str, chosen)), "weighting": weighting, "pooling": pooling}
                rows.append(scored(name, mean, returns, rest))
    return rows


def with_differences(rows: list[dict[str, Any]], against: dict[str, Any]) -> list[dict[str, Any]]:
    """Add R2 less that of one row, paired by month, and the standard error of it (Newey and West)."""
    for row in rows:
        less = row["monthly"] - against["monthly"]
        row |= {"less": float(less.mean()), "s.e.": newey_west(less)}
    return rows


def markdown(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a table in Markdown; figures with three decimals."""
    columns = ["blocks", "weighting", "pooling", "R2", "less", "s.e.", "nearest 5"]
    cells = [[f"{row[c]:.3f}" if isinstance(row[c], float) else str(row[c]) for c in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in [columns, ["---"] * len(columns), *cells])


def table(lake: Lake, name: str, asset: str, partitions: Iterable[str | None]) -> pl.DataFrame:
    """Return the rows of a table of the lake."""
    known = [lake.manifest(asset, partition) for partition in partitions]
    return pl.concat(pl.read_parquet(lake.table_files(one, name), glob=False) for one in known if one)


def measured(lake: Lake, profile: Profile, blocks: list[int]) -> list[dict[str, Any]]:
    """Return the rows of the table for a lake; TF-IDF of the same texts is the last."""
    until, years = month_end(profile.as_of.first), [str(year) for year in profile.years]
    filings = newest_filings(table(lake, "descriptions", "descriptions", years).filter(pl.col("filed_at") <= until))
    known = usable(table(lake, "monthly_returns", "monthly_returns", [None]), profile.returns.exclude)
    months = known.filter(pl.col("month") <= until)["month"].unique().sort().to_list()[-profile.clusters.train_months :]
    filings = filings.filter(pl.col("text").str.strip_chars() != "").sort("company_id")
    features = pooled_features(*_streams(lake, filings, years, blocks), profile.activations.massive_norm)
    everyone = filings["company_id"].to_list()
    returns = Returns.complete(known, everyone, months)
    print(f"{len(returns.ids)} companies with every month from {months[0]:%Y-%m} to {months[-1]:%Y-%m}\n")
    rows = rows_of(similarities(features, returns.ids), returns, blocks)
    places = [everyone.index(company) for company in returns.ids]
    tfidf = tfidf_similarity(filings["text"].to_list())[np.ix_(places, places)]
    last = scored({"blocks": "", "weighting": "TF-IDF", "pooling": ""}, tfidf, returns, returns.rest_correlations())
    return with_differences([*rows, last], next((row for row in rows if row.items() >= BASE.items()), rows[0]))


def _streams(lake: Lake, filings: pl.DataFrame, years: list[str], blocks: list[int]) -> tuple[Any, Any, Any]:
    trained = lake.manifest("saes", None)
    assert trained is not None, "no autoencoders in this lake: `peerlens refresh` first"
    saes = StoredSaes(lake.folder(trained), table(lake, "saes", "saes", [None]))
    loaded = {block: sae for (_, block), sae in saes.load_blocks(chosen_entries(saes.rows, blocks)).items()}
    companies = dict(filings.select("accession", "company_id").iter_rows())
    return _documents(lake, companies, years, blocks), loaded, companies


def _documents(lake: Lake, companies: Mapping[str, str], years: list[str], blocks: list[int]) -> Iterable[Document]:
    for year in years:
        if (known := lake.manifest("activations", year)) and list((lake.folder(known) / "shards").glob("part-*.json")):
            shards = Shards(lake.folder(known) / "shards")
            own = [accession for accession in shards.places if accession in companies]
            yield from tqdm(shards.iter_documents(blocks, own), f"filings of {year}", len(own), leave=False)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=None, help="the lake's home; PEERLENS_HOME without it")
    parser.add_argument("--profile", default="sample", help="name or file")
    parser.add_argument("--blocks", type=int, nargs="+", default=[8, 24, 27], help="alone and together")
    asked = parser.parse_args()
    profile = open_profile(asked.profile)
    rows = measured(Lake(asked.home or home(), profile.name), profile, asked.blocks)
    report(rows)


def report(rows: list[dict[str, Any]]) -> None:
    """Print every weighting of every set of blocks at mean pooling, all of the best set, and one line of JSON."""
    best = max(rows[:-1], key=lambda row: row["R2"])
    print(markdown([row for row in rows[:-1] if row["pooling"] == "mean"] + rows[-1:]), end="\n\n")
    print(markdown([row for row in rows if row["blocks"] == best["blocks"]]))
    kept = ("blocks", "weighting", "pooling", "R2", "nearest 5")
    print(json.dumps({"best": {key: best[key] for key in kept}, "tfidf": rows[-1]["R2"], "choices": len(rows) - 1}))


if __name__ == "__main__":
    main()
