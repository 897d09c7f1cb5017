"""What the assets of peers and groups read, and the evidence they make of it: one rule for all of them."""

import polars as pl

from assets.clusters.given_files import given_at
from assets.clusters.methods import known_companies
from assets.clusters.peer_methods.nearness import Evidence, evidence_at
from assets.partitions import month_end
from assets.prices.usable import usable
from resources.lake.build import Build

TABLES = ("company_vectors", "filings", "descriptions", "company_embeddings", "description_vectors", "bert_vectors")


def evidence_of(build: Build) -> Evidence:
    """Return all that may be looked at at the as-of date of a build: what is filed and traded up to it.

    A reversal's first month may lie before the date: what is left out then must not depend on the month after it.
    """
    as_of = month_end(build.partition or "")
    past = build.read("monthly_returns").filter(pl.col("month") <= as_of)
    known = known_companies(*(build.read(table) for table in TABLES))
    return evidence_at(known, usable(past, build.profile.returns.exclude), given_at(build.profile.clusters, as_of))
