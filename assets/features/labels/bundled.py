"""Labels that come with the bundled autoencoder over passages: made and scored on the filings it was trained on."""

from pathlib import Path

import polars as pl

from assets.features.labels.label import FACTS as OWN
from assets.features.labels.label import SCHEMA
from resources.places import BUNDLED_LABELS


class BundledLabelsError(ValueError):
    """The labels of the bundled autoencoder are missing or cannot be read."""


def with_bundled_labels(own: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Return rows as `label_latents` has them, with the bundled labels and scores: its own would be of few passages.

    Parameters
    ----------
    own : DataFrame
        What `latent_facts` returned for the profile's own passages: examples, density and documents, which stay.
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
    empty = own.select("latent", *OWN).join(bundled, on="latent", how="left", validate="1:1")
    filled = empty.with_columns(pl.col("terms", "words").fill_null([]), pl.col("windows").fill_null(0))
    return filled.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
