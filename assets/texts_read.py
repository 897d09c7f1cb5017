"""How far a description is read: the one rule for all who hand its text to the language model."""

import polars as pl


def texts_read(descriptions: pl.DataFrame, passages: pl.DataFrame) -> pl.DataFrame:
    """Return descriptions with `text` up to the end of its last passage, where more than blanks come after it.

    The model then reads the same characters whether its streams are kept or made again, and a text that is not cut is
    exactly the one that was filed.

    Parameters
    ----------
    descriptions : DataFrame
        Columns accession and text.
    passages : DataFrame
        Rows of `passages`; a text that has none stays whole.
    """
    ends = passages.group_by("accession").agg(_end=pl.col("end").max())
    rest = pl.col("text").str.slice(pl.col("_end"))
    cut = pl.when(rest.str.strip_chars() != "").then(pl.col("text").str.head(pl.col("_end"))).otherwise(pl.col("text"))
    found = descriptions.join(ends, on="accession", how="left", maintain_order="left")
    return found.with_columns(text=cut).drop("_end")
