"""What describes a company: pooled latents, their labels, vectors to compare, and the embedding baseline."""

import polars as pl

from assets import schemas
from assets.activation_source import READING, activation_source
from assets.declaration import asset
from assets.fresh_filings import fresh_filings
from assets.known_at import filings_known
from resources.lake.build import Build
from resources.lake.digests import file_digest
from resources.lake.recipe import Slices, whole
from resources.models.bert_cls import bert_identity
from resources.models.embedder import embedder_identity
from resources.places import BUNDLED, BUNDLED_LABELS
from resources.settings.profile import Profile
from resources.sources import Sources

EXPLAINED_BY = [
    f"explainer.{name}"
    for name in ("url", "model", "max_tokens", "answer_tokens", "temperature", "examples", "scored", "fuzzing")
]
"""Settings of the explainer that change what it says; the others say how it is asked."""


def _embedder_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    return {"": embedder_identity(profile.embedder)}


@asset(
    schemas.COMPANY_FEATURES,
    schemas.THEME_PASSAGES,
    partitioning="filing_year",
    reads={"activations": whole, "saes": whole, "passages": whole, "passage_vectors": whole, "passage_saes": whole},
    lineage=["descriptions"],
    config=["features.views", "features.blocks", "features.pooling", "activations.massive_norm"],
    runs_with=READING,
    units=[
        "assets.activations.shards.shards:Shards",
        "assets.features.encoding:encode_filings",
        "assets.features.passages:encode_passages",
        "assets.saes.stored:StoredSaes",
    ],
    kinds=["torch", "polars"],
)
def company_features(build: Build) -> None:
    """Encode every filing of a year into latents of its passages and of its tokens, massive activations left out."""
    from assets.features.views import PassageView, TokenView

    shares = build.profile.features.views
    passages = PassageView(build) if shares.passages else None
    tokens = TokenView(build) if shares.tokens else None
    views = [view for view in (passages, tokens) if view]
    recipes = {f"{view.name} {filing}": recipe for view in views for filing, recipe in view.recipes().items()}
    # How much a view counts changes no row of it; a view that is not used has no units.
    kept = build.record_units(recipes, excluding=["features.views"])
    carried = (pl.col("view") + " " + pl.col("accession")).is_in(sorted(kept))
    features = [build.before("company_features").filter(carried)]
    strongest = [build.before("theme_passages").filter(("passages " + pl.col("accession")).is_in(sorted(kept)))]
    if passages:
        found = passages.encode(kept)
        features.append(found.features)
        strongest.append(found.theme_passages)
    if tokens:
        features.append(tokens.encode(kept))
    build.write(schemas.COMPANY_FEATURES, pl.concat(features))
    build.write(schemas.THEME_PASSAGES, pl.concat(strongest))
    filings, encoded = ({unit.partition(" ")[2] for unit in units} for units in (recipes, recipes.keys() - kept))
    build.metadata |= {"filings_encoded": len(encoded), "filings_carried_over": len(filings - encoded)}


def _bundled_labels_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    """Return the digest of the labels that come with the bundled autoencoder, where the profile takes that."""
    file = BUNDLED / BUNDLED_LABELS
    return {"bundled": file_digest(file)} if profile.passage_saes.source == "bundled" and file.is_file() else {}


@asset(
    schemas.LATENT_LABELS,
    reads={"saes": whole, "sae_corpus": whole, "passage_saes": whole, "passage_corpus": whole},
    lineage=["passages"],
    config=["labels", "features.blocks", "features.views", "activations.massive_norm", *EXPLAINED_BY],
    fingerprint=_bundled_labels_now,
    runs_with=READING,
    asks=["explainer"],
    kinds=["torch", "polars"],
)
def latent_labels(build: Build) -> None:
    """Name the latents that describe companies, and score every name on companies that neither made nor chose it."""
    from assets.features.encoding import chosen_entries
    from assets.features.labels.entries import label_passages, label_tokens
    from assets.features.labels.explained import Explaining
    from assets.features.passages import describing_entries
    from assets.saes.stored import StoredSaes

    profile, views = build.profile, build.profile.features.views
    themes = StoredSaes(build.folders("passage_saes")[0], build.read("passage_saes"))
    words = StoredSaes(build.folders("saes")[0], build.read("saes"))
    over_passages = describing_entries(themes.rows).filter(pl.lit(views.passages > 0))
    over_tokens = chosen_entries(words.rows, profile.features.blocks).filter(pl.lit(views.tokens > 0))
    client = build.explainer  # first, so that a key that is missing costs no minute
    explaining = Explaining(client, profile.explainer, build.progress, build.log) if client else None
    labels = [schemas.LATENT_LABELS.empty()]
    with build.progress(over_passages.height + over_tokens.height, "autoencoders") as progress:
        settings, pinned = profile.labels, build.read("passage_corpus")
        bundled = BUNDLED if themes.rows["bundled"].any() else None
        labels.append(label_passages(pinned, over_passages, themes, settings, explaining, progress, bundled))
        if over_tokens.height:
            rows, source = build.read("sae_corpus"), activation_source(build)
            corpus = source.corpus(rows, build.folders("sae_corpus")[0], build.folder)
            prose = build.read("passages").filter(kind="text").join(rows, on="accession", how="semi")
            massive = profile.activations.massive_norm
            of_tokens = label_tokens(
                corpus, prose, over_tokens, words, settings, explaining, massive_norm=massive, progress=progress
            )
            labels.append(of_tokens)
            build.metadata |= corpus.metadata
    found = pl.concat(labels)
    build.write(schemas.LATENT_LABELS, found)
    scored = found.drop_nulls("detection_score")
    build.metadata |= {
        "latents": found.height,
        "labelled": found.drop_nulls("label").height,
        "scored": scored.height,
        "mean_detection_score": scored["detection_score"].mean(),
        "explained": found.drop_nulls("explanation").height,
    }


@asset(
    schemas.COMPANY_EMBEDDINGS,
    partitioning="filing_year",
    reads={"descriptions": whole},
    fingerprint=_embedder_now,
    config=["embedder"],
    units=["assets.features.embedding:embed_filings"],
    kinds=["torch"],
)
def company_embeddings(build: Build) -> None:
    """Embed every filing of a year as one sentence vector, the baseline."""
    from assets.features.embedding import embed_filings

    read = fresh_filings(build, "company_embeddings", embedder_identity(build.profile.embedder))
    with build.progress(read.fresh.height, "filings") as progress:
        rows = embed_filings(read.fresh, build.profile.embedder, progress)
    build.write(schemas.COMPANY_EMBEDDINGS, pl.concat([read.before, rows]))


def _bert_here(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    folder = profile.clusters.bert
    return {"": bert_identity(folder, "clusters.bert")} if folder else {}


@asset(
    schemas.BERT_VECTORS,
    partitioning="filing_year",
    reads={"descriptions": whole},
    fingerprint=_bert_here,
    config=["clusters.bert"],
    units=["assets.features.bert:bert_rows"],
    kinds=["torch"],
)
def bert_vectors(build: Build) -> None:
    """Read every filing of a year with a BERT-like encoder, where the profile names one: the paper's BERT baseline."""
    from assets.features.bert import bert_rows

    folder = build.profile.clusters.bert
    read = fresh_filings(build, "bert_vectors", bert_identity(folder, "clusters.bert") if folder else None)
    with build.progress(read.fresh.height if folder else 0, "filings") as progress:
        rows = bert_rows(read.fresh, folder, progress)
    build.write(schemas.BERT_VECTORS, pl.concat([read.before, rows]))


@asset(
    schemas.DESCRIPTION_VECTORS,
    partitioning="filing_year",
    reads={"passage_vectors": whole, "passages": whole},
    kinds=["polars"],
)
def description_vectors(build: Build) -> None:
    """Average the language model's residual stream over each description, the baseline without an autoencoder."""
    from assets.features.description_vectors import description_vectors as means

    build.write(schemas.DESCRIPTION_VECTORS, means(build.read("passage_vectors"), build.read("passages")))


@asset(
    schemas.COMPANY_VECTORS,
    schemas.THEMES,
    partitioning="as_of",
    reads={"company_features": filings_known, "descriptions": filings_known, "latent_labels": whole},
    config=[
        *(f"features.{key}" for key in ("views", "min_quality", "weighting", "told_weight")),
        "max_filing_age_months",
    ],
    kinds=["polars"],
)
def company_vectors(build: Build) -> None:
    """Make unit vectors of the newest filing of every company, weighted by what was known at the as-of date."""
    from assets.features.attribution import company_vectors as vectors_of
    from assets.features.attribution import theme_shares, view_shares
    from assets.known_at import filings_in_doubt, newest_filings
    from assets.partitions import month_end
    from assets.themes import with_said

    settings, known, described = build.profile.features, build.read("company_features"), build.read("descriptions")
    doubtful = filings_in_doubt(described, settings.min_quality)
    newest = newest_filings(known, doubtful)
    left_out = known.join(newest, on="company_id", how="anti")
    labels, shares = build.read("latent_labels"), view_shares(settings.views)
    passages = build.read("theme_passages").join(newest, on="accession", how="semi")
    texts = dict(described.join(newest, on="accession", how="semi").select("accession", "text").iter_rows())
    features = with_said(newest, passages, labels, texts)
    vectors = vectors_of(features, settings.weighting, shares, labels, settings.told_weight)
    as_of = pl.lit(month_end(build.partition or ""), pl.Date)
    build.write(schemas.COMPANY_VECTORS, vectors.with_columns(as_of=as_of))
    build.write(schemas.THEMES, theme_shares(features, vectors, labels).with_columns(as_of=as_of))
    by_view = vectors.group_by("view").agg(pl.col("company_id").n_unique()).sort("view")
    build.metadata |= {f"companies_{view}": companies for view, companies in by_view.iter_rows()}
    build.metadata |= {
        "companies": vectors["company_id"].n_unique(),
        "filings_in_doubt": doubtful.height,
        "companies_in_doubt": left_out["company_id"].n_unique(),
    }


@asset(
    schemas.NAMED_RIVALS,
    schemas.MASKED_VECTORS,
    partitioning="as_of",
    reads={
        "company_features": filings_known,
        "descriptions": filings_known,
        "filings": filings_known,
        "passages": filings_known,
        "passage_vectors": filings_known,
        "passage_saes": whole,
        "latent_labels": whole,
    },
    config=[*(f"features.{key}" for key in ("min_quality", "told_weight")), "max_filing_age_months"],
    kinds=["polars"],
)
def named_rivals(build: Build) -> None:
    """Find the rivals that descriptions name, and make vectors of passages without those that name one."""
    from assets.features.masking import masked_vectors, naming, newest_described
    from assets.partitions import month_end

    as_of, described = pl.lit(month_end(build.partition or ""), pl.Date), newest_described(build)
    found = naming(build, described)
    vectors = masked_vectors(build, described, found) if found.height else schemas.MASKED_VECTORS.empty().drop("as_of")
    for table, rows in ((schemas.NAMED_RIVALS, found), (schemas.MASKED_VECTORS, vectors)):
        build.write(table, rows.with_columns(as_of=as_of).select(table.empty().columns))
    build.metadata |= {"named": found.height, "by": found["company_id"].n_unique()}
