"""Company vectors of passages without those that name a rival, so that no method is scored on the answer."""

import polars as pl

from assets.features.attribution import PASSAGE_WEIGHTING, company_vectors
from assets.features.passages import describing_entries, encode_passages
from assets.features.rivals import masked_texts, rivals_named
from assets.known_at import filings_in_doubt, newest_filings
from assets.saes.stored import StoredSaes
from assets.themes import with_said
from resources.lake.build import Build


def newest_described(build: Build) -> pl.DataFrame:
    """Return the rows of `descriptions` of the newest filing of every company that is not in doubt."""
    described = build.read("descriptions")
    doubtful = filings_in_doubt(described, build.profile.features.min_quality)
    newest = newest_filings(build.read("company_features"), doubtful)
    return described.join(newest.select("accession").unique(), on="accession", how="semi")


def naming(build: Build, described: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `named_rivals` without as_of; `described` is as from `newest_described`."""
    names = build.read("filings").join(described, on="accession", how="semi").select("company_id", "name")
    spans = build.read("passages").filter(kind="text").join(described.select("accession"), on="accession", how="semi")
    found = rivals_named(
        dict(names.iter_rows()),
        dict(described.select("company_id", "text").iter_rows()),
        spans.select("company_id", "passage", "start", "end"),
    )
    return found.join(described.select("company_id", "accession"), on="company_id", how="left")


def masked_vectors(build: Build, described: pl.DataFrame, rivals: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `masked_vectors` without as_of: filings that name nobody keep the latents that they have.

    Parameters
    ----------
    described, rivals : DataFrame
        As from `newest_described` and `naming`.
    """
    labels, settings = build.read("latent_labels"), build.profile.features
    texts = masked_texts(described, rivals)
    known = build.read("company_features").filter(view="passages")
    own = described.select("accession")
    known, passages = (rows.join(own, on="accession", how="semi") for rows in (known, build.read("theme_passages")))
    # Read and encoded again are only the filings that name somebody.
    gone = rivals.select("accession", "passage").unique()
    vectors, spans = (_rows(build, table, gone) for table in ("passage_vectors", "passages"))
    stored = StoredSaes(build.folders("passage_saes")[0], build.read("passage_saes"))
    again = encode_passages(vectors, spans, stored.load_blocks(describing_entries(stored.rows)))
    features = pl.concat([known.join(gone, on="accession", how="anti"), again.features])
    strongest = pl.concat([passages.join(gone, on="accession", how="anti"), again.theme_passages])
    said = with_said(features, strongest, labels, dict(texts.select("accession", "text").iter_rows()))
    return company_vectors(said, PASSAGE_WEIGHTING, {"passages": 1.0}, labels, settings.told_weight)


def _rows(build: Build, table: str, gone: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the filings that name somebody, without the passages in which they do."""
    stored = pl.scan_parquet(build.files(table), glob=False)
    rows = stored.filter(pl.col("accession").is_in(gone["accession"].unique().to_list())).collect()
    return rows.join(gone, on=["accession", "passage"], how="anti", maintain_order="left")
