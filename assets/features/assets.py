"""What describes a company: pooled latents, their labels, vectors to compare, and the embedding baseline."""

import polars as pl

from assets import schemas
from assets.declaration import asset
from assets.known_at import filings_known
from resources.lake.build import Build
from resources.lake.recipe import Slices, whole
from resources.models.embedder import embedder_identity
from resources.settings.profile import Profile
from resources.sources import Sources


def _embedder_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return {"": embedder_identity(profile.embedder)}


@asset(
    schemas.COMPANY_FEATURES,
    partitioning="filing_year",
    reads={"activations": whole, "saes": whole},
    lineage=["descriptions"],
    config=["features.blocks", "features.pooling", "activations.massive_norm"],
    kinds=["torch", "polars"],
)
def company_features(build: Build) -> None:
    """Latents of every filing of a year, pooled over its tokens; massive activations are never pooled."""
    from assets.activations.source import documents
    from assets.features.encoding import chosen_entries, encode_document
    from assets.saes.files.native import entry_folder, load_sae

    entries = chosen_entries(build.read("saes"), build.profile.features.blocks)
    weights = entries.select("entry", "block", "sha256").rows()
    filings = build.read("activations").sort("accession")
    kept = build.record_units({row["accession"]: [row["input_digest"], weights] for row in filings.to_dicts()})
    folder = build.folders("saes")[0]
    saes = {entry: load_sae(entry_folder(folder, entry)) for entry in entries["entry"].unique()}
    fresh = filings.filter(~pl.col("accession").is_in(sorted(kept)))
    encoded = []
    with build.progress(fresh.height, "filings") as progress:
        for document in documents(build, fresh["accession"].to_list(), entries["block"].to_list()):
            for entry, block in entries.select("entry", "block").iter_rows():
                pooled = encode_document(document, saes[entry], block, build.profile)
                encoded.append(pooled.with_columns(entry=pl.lit(entry), block=pl.lit(block, pl.Int32)))
            progress(1)
    old = build.before("company_features").filter(pl.col("accession").is_in(sorted(kept)))
    rows = [part.join(fresh, on="accession").select(old.columns) for part in encoded]
    build.write(schemas.COMPANY_FEATURES, pl.concat([old, *rows]))
    build.metadata |= {"filings_encoded": fresh.height, "filings_carried_over": len(kept)}


@asset(
    schemas.LATENT_LABELS,
    reads={"saes": whole, "sae_corpus": whole},
    config=["labels", "features.blocks", "activations.massive_norm"],
    kinds=["torch", "polars"],
)
def latent_labels(build: Build) -> None:
    """Names for the latents that describe companies, from the training tokens on which they are strongest."""
    from assets.activations.source import open_corpus
    from assets.features.encoding import chosen_entries, label_entry
    from assets.saes.files.native import entry_folder, load_sae

    entries = chosen_entries(build.read("saes"), build.profile.features.blocks)
    labels = []
    with open_corpus(build, "train") as (train, shards):
        for entry, block in entries.select("entry", "block").iter_rows():
            sae = load_sae(entry_folder(build.folders("saes")[0], entry))
            named = label_entry(shards, train, sae, block, build.profile)
            labels.append(named.with_columns(entry=pl.lit(entry), block=pl.lit(block, pl.Int32)))
    build.write(schemas.LATENT_LABELS, pl.concat(labels))


@asset(
    schemas.COMPANY_EMBEDDINGS,
    partitioning="filing_year",
    reads={"descriptions": whole},
    fingerprint=_embedder_now,
    config=["embedder"],
    kinds=["torch"],
)
def company_embeddings(build: Build) -> None:
    """The baseline: a sentence embedding of every filing of a year."""
    from resources.models.embedder import open_embedder

    filings = build.read("descriptions").sort("accession")
    texts = build.filing_digests("descriptions")
    identity = embedder_identity(build.profile.embedder)
    kept = build.record_units({accession: [digest, identity] for accession, digest in texts.items()})
    fresh = filings.filter(~pl.col("accession").is_in(sorted(kept)))
    old = build.before("company_embeddings").filter(pl.col("accession").is_in(sorted(kept)))
    rows = []
    if fresh.height:
        embedder = open_embedder(build.profile.embedder)
        with build.progress(fresh.height, "filings") as progress:
            for filing in fresh.select("accession", "company_id", "filed_at", "text").iter_rows(named=True):
                text = filing.pop("text")
                rows.append({**filing, "model": embedder.identity, "embedding": embedder.embed(text).tolist()})
                progress(1)
    build.write(schemas.COMPANY_EMBEDDINGS, pl.concat([old, schemas.COMPANY_EMBEDDINGS.frame(rows)]))


@asset(
    schemas.COMPANY_VECTORS,
    partitioning="as_of",
    reads={"company_features": filings_known},
    config=["features.weighting", "max_filing_age_months"],
    kinds=["polars"],
)
def company_vectors(build: Build) -> None:
    """Unit vectors of the newest filing of every company, weighted by what was known at the as-of date."""
    from assets.features.attribution import company_vectors as vectors_of
    from assets.known_at import newest_filings
    from assets.partitions import month_end

    features = newest_filings(build.read("company_features"))
    vectors = vectors_of(features, build.profile.features.weighting)
    as_of = pl.lit(month_end(build.partition or ""), pl.Date)
    build.write(schemas.COMPANY_VECTORS, vectors.with_columns(as_of=as_of))
    build.metadata["companies"] = vectors["company_id"].n_unique()
