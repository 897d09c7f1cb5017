"""Labels that come with the bundled autoencoder over passages: made and scored on the filings it was trained on."""

from pathlib import Path

import polars as pl

from assets.features.labels.label import SCHEMA
from assets.themes import MIN_DETECTION
from resources.places import BUNDLED_LABELS

OWN = ("examples", "density", "documents")
"""What is the profile's own."""


class BundledLabelsError(ValueError):
    """The labels of the bundled autoencoder are missing or cannot be read."""


def with_bundled_labels(own: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Return rows as `label_latents` has them, with the bundled labels and scores where these tell the latents.

    Others keep what the profile's own passages say, if it tells them: these are few, so most of their labels have no
    score. Own words are added to the bundled ones: texts of other times and trades have words of their own.

    Parameters
    ----------
    own : DataFrame
        What `label_latents` returned for the profile's own passages.
    folder : Path
        Of the bundled autoencoder.

    Raises
    ------
    BundledLabelsError
        There are none, or they are no rows of labels.
    """
    file, columns = folder / BUNDLED_LABELS, {name: kind for name, kind in SCHEMA.items() if name not in OWN}
    try:
        bundled = pl.read_ndjson(file, schema=columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BundledLabelsError(f"{file}: cannot be read ({error}): set passage_saes.source: train") from error
    told = pl.col("detection_score") >= MIN_DETECTION
    other = own.filter(told).join(bundled.filter(told), on=["label"], how="anti")
    other = other.join(bundled.filter(told), on="latent", how="anti").select(bundled.columns)
    given = pl.concat([other, bundled.join(other, on="latent", how="anti")])
    joined = own.select("latent", *OWN, own_words="words").join(given, on="latent", how="left", validate="1:1")
    filled = joined.with_columns(pl.col("terms", "words").fill_null([]), pl.col("windows").fill_null(0))
    words = pl.col("words").list.concat("own_words").list.unique(maintain_order=True)
    return filled.with_columns(words).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
