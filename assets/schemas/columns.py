"""What tables are written with: types, the columns that several tables share, and short ways to say both."""

from collections.abc import Callable
from typing import get_args

import pyarrow as pa

from resources.lake.table import Column, Table
from resources.settings.clusters import Method

TEXT = pa.string()
TEXTS = pa.list_(pa.string())
INT = pa.int32()
LONG = pa.int64()
REAL = pa.float64()
DATE = pa.date32()
FLAG = pa.bool_()


def column(name: str, type: pa.DataType, sentence: str, unit: str = "") -> Column:
    """Return a column that has a value in every row."""
    return Column(name, type, sentence, unit)


def optional(name: str, type: pa.DataType, sentence: str, unit: str = "") -> Column:
    """Return a column that may be empty."""
    return Column(name, type, sentence, unit, nullable=True)


def table(name: str, key: str, slice_by: str = "", *, by_year: bool = False) -> Callable[..., Table]:
    """Return what makes a table of its sentence and its columns; `key` and `slice_by` are names of columns."""
    cut = tuple(slice_by.split())
    return lambda sentence, *columns: Table(name, sentence, tuple(key.split()), columns, cut, by_year)


def by_filing(name: str, key: str = "accession") -> Callable[..., Table]:
    """Return the same for a table with one slice a filing."""
    return table(name, key, "filed_at accession")


COMPANY_ID = column("company_id", TEXT, "Ten-digit CIK, or `ticker:XYZ` where no CIK is known.")
ACCESSION = column("accession", TEXT, "The filing's accession number; the sample's are `sample-<ticker>-<year>`.")
FILED_AT = column("filed_at", DATE, "The day on which the filing became public.")
AS_OF = column("as_of", DATE, "Month-end; nothing filed or traded after it was used.")
METHOD = column("method", TEXT, f"How the groups were made: {', '.join(get_args(Method))}, or random.")
ENTRY = column("entry", TEXT, "The sparse autoencoder, named after the blocks it covers.")
VIEW = column("view", TEXT, "What was encoded: `passages` (latents are themes) or `tokens` (latents are mostly words).")
LATENT = column("latent", INT, "Index of the latent in its sparse autoencoder.")
BLOCK = column("block", INT, "Zero-based transformer block; its residual stream after the block is meant.")
STRATEGY = column(
    "strategy",
    TEXT,
    "`pairs`, `reversion` (losers against their baskets bought, winners sold), or `hedged` (a name held, its basket "
    "sold).",
)
SELECTION = column(
    "selection",
    TEXT,
    "`bh` where Benjamini-Hochberg passed the pair, `uncorrected` where pairs are ranked by p; `all` of other "
    "strategies.",
)
PAIR = (
    column("company_a", TEXT, "First company of the pair, the dependent leg."),
    column("company_b", TEXT, "Second company, the hedge."),
)

FILING = (ACCESSION, COMPANY_ID, FILED_AT)
LATENT_KEY = (ENTRY, BLOCK, LATENT)
"""Entries of passages have names of their own, so a key needs no view."""
GROUPING = (METHOD, AS_OF)
READ = (
    column("tokens", INT, "Tokens of the filing, and its rows in every shard.", "tokens"),
    column(
        "input_digest", TEXT, "Digest of all that its activations depend on: text, model, windows, code that reads."
    ),
)
