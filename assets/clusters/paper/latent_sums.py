"""[paper] The feature matrix: latents summed over the tokens of each filing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

LATENT = ("entry", "block", "latent")


def latent_sums(files: Sequence[Path], accessions: Sequence[str]) -> csr_matrix:
    """Return the pooled token latents of some filings, one row each.

    Parameters
    ----------
    files : sequence of Path
        Parquet files of `company_features`. They are read one at a time: thirty years of a large autoencoder are
        some hundred million rows.
    accessions : sequence of str
        The filings asked for, each once; the rows come in this order, and one without latents is 0.

    Returns
    -------
    csr_matrix [filings, latents in use] float32
        Columns sorted by entry, block and latent.
    """
    rows = pl.DataFrame({"accession": accessions}, schema={"accession": pl.String}).with_row_index("row")
    columns = _columns(files, rows)
    shape = (len(accessions), columns.height)
    found = csr_matrix(shape, dtype=np.float32)
    for file in files:
        # Sums of matrices, so that one file's rows are in memory beside what was found so far.
        cells = _cells(file, rows).join(columns.lazy(), on=LATENT).select("row", "column", "value").collect()
        places = (cells["row"].to_numpy(), cells["column"].to_numpy())
        found = found + csr_matrix((cells["value"].to_numpy().astype(np.float32), places), shape)
    return found


def _columns(files: Sequence[Path], rows: pl.DataFrame) -> pl.DataFrame:
    each = [_cells(file, rows).select(LATENT).unique().collect() for file in files]
    none = pl.DataFrame(schema={"entry": pl.String, "block": pl.Int32, "latent": pl.Int32})
    return pl.concat([none, *each]).unique().sort(LATENT).with_row_index("column")


def _cells(file: Path, rows: pl.DataFrame) -> pl.LazyFrame:
    tokens = pl.scan_parquet(file, glob=False).filter(pl.col("view") == "tokens")
    return tokens.select("accession", *LATENT, "value").join(rows.lazy(), on="accession")
