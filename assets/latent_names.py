"""The one rule for what a latent is called: its label, or its number where it has none."""

import polars as pl

LATENT = ("entry", "block", "latent")
"""What identifies a latent: an autoencoder, a block that it reads, and an index."""


def latent_names(latents: pl.DataFrame, labels: pl.DataFrame) -> pl.Series:
    """Return the name of each latent: its label, or `latent 12 of blocks-08-11` where that is empty or missing.

    `labelled_vectors.sql` gives the same names; SQL cannot call this, a test holds the two together.

    Parameters
    ----------
    latents : DataFrame
        Columns entry, block and latent, maybe others.
    labels : DataFrame
        Rows of `latent_labels`.
    """
    found = latents.select(LATENT).join(
        labels.select(*LATENT, "label"), on=LATENT, how="left", maintain_order="left", validate="m:1"
    )
    label = pl.when(pl.col("label") != "").then("label")
    return found.select(label.fill_null(pl.format("latent {} of {}", "latent", "entry"))).to_series()
