"""The units in which a description is read: where they are, one vector each, and the pinned ones."""

import polars as pl

from assets import schemas
from assets.activation_source import READING, activation_source
from assets.declaration import asset
from assets.fresh_filings import fresh_filings
from assets.model_now import model_now
from assets.texts_read import texts_read
from resources.lake.build import Build
from resources.lake.recipe import whole
from resources.models.model_source import model_identity


@asset(
    schemas.PASSAGES,
    partitioning="filing_year",
    reads={"descriptions": whole},
    fingerprint=model_now,
    config=["passages.max_per_filing", "passages.repeated_in"],
    runs_with=["model"],
    units=["assets.passages.finding:find_passages", "resources.models.tokenizer:open_tokenizer"],
    kinds=["polars"],
)
def passages(build: Build) -> None:
    """Sentences and list items of every filing of a year, short ones joined, long ones cut; each of a kind."""
    from assets.passages.finding import find_passages
    from assets.passages.repeated import mark_repeated
    from resources.models.tokenizer import open_tokenizer

    settings, model = build.profile.passages, build.profile.model
    # What is repeated depends on other filings, so it is marked anew each time; the rest is each filing's own.
    read = fresh_filings(build, "passages", model_identity(model, build.models), ["passages.repeated_in"])
    fresh, found = read.fresh, read.before
    if fresh.height:
        tokenize = open_tokenizer(model, build.models).tokenize
        with build.progress(fresh.height, "filings") as progress:
            found = pl.concat([found, find_passages(fresh, tokenize, settings.max_per_filing, progress)])
    rows = mark_repeated(found, build.read("descriptions").sort("accession"), settings.repeated_in)
    build.write(schemas.PASSAGES, rows)
    build.metadata |= _counts(rows, settings.max_per_filing) | {"filings_carried_over": read.kept}


def _counts(rows: pl.DataFrame, most: int) -> dict[str, int]:
    """Return how many passages are of each kind, which rules told boilerplate, and filings that may be cut."""
    kinds = dict(rows.group_by("kind").len().sort("kind").iter_rows())
    rules = rows.drop_nulls("rule").group_by("rule").len().sort("rule")
    full = rows.group_by("accession").len().filter(pl.col("len") >= most).height
    by_rule = {f"rule: {rule}": count for rule, count in rules.iter_rows()}
    return {"passages": rows.height, **kinds, **by_rule, "filings_at_max_per_filing": full}


@asset(
    schemas.PASSAGE_VECTORS,
    partitioning="filing_year",
    reads={"passages": whole, "activations": whole},
    lineage=["descriptions"],
    config=["passages.blocks", "activations.massive_norm"],
    runs_with=READING,
    units=["assets.activations.shards.shards:Shards", "assets.passages.vectors:passage_vector_rows"],
    kinds=["torch"],
)
def passage_vectors(build: Build) -> None:
    """Mean residual stream over the content words of every passage of kind text, massive activations left out."""
    from assets.passages.vectors import passage_vector_rows, places_of

    found, filings, settings = build.read("passages"), build.read("activations").sort("accession"), build.profile
    prose = found.filter(pl.col("kind") == "text").sort("accession", "passage")
    places = places_of(prose)
    digests = filings.select("accession", "input_digest").iter_rows()
    units = {accession: [digest, places.get(accession, [])] for accession, digest in digests}
    kept = build.record_units(units)
    fresh = sorted(places.keys() & units.keys() - kept)
    source, described = activation_source(build), build.read("descriptions")
    texts = dict(described.filter(pl.col("accession").is_in(fresh)).select("accession", "text").iter_rows())
    documents = source.documents(
        build.folders("activations")[0],
        lambda: filings.join(texts_read(described, found), on="accession"),
        fresh,
        settings.passages.blocks,
    )
    with build.progress(len(fresh), "filings") as progress:
        rows = passage_vector_rows(
            documents, prose, texts, settings.passages.blocks, settings.activations.massive_norm, progress
        )
    before = build.before("passage_vectors").filter(pl.col("accession").is_in(sorted(kept)))
    build.write(schemas.PASSAGE_VECTORS, pl.concat([before, rows]))
    build.metadata |= source.metadata | {
        "vectors": before.height + rows.height,
        "filings_averaged": len(fresh),
        "filings_carried_over": len(kept),
        "filings_without_text": len(units) - len(places),
    }


@asset(
    schemas.PASSAGE_CORPUS,
    lineage=["passage_vectors", "passages", "descriptions"],
    fingerprint=model_now,
    config=[
        "corpus.version",
        "corpus.cutoff",
        "corpus.seed",
        "corpus.validation_share",
        "passages.blocks",
        "passages.corpus_passages",
        "model",
    ],
    kinds=["parquet"],
)
def passage_corpus(build: Build) -> None:
    """Pinned: passages with text and vectors; drawn anew for a new corpus version or cut-off, not a new filing."""
    from assets.passages.corpus import corpus_rows, draw_filings, text_counts

    settings, vectors = build.profile, build.files("passage_vectors")
    drawn = draw_filings(text_counts(vectors), settings.corpus, settings.passages.corpus_passages)
    rows = corpus_rows(drawn, vectors, build.files("passages"), build.files("descriptions"))
    build.write(schemas.PASSAGE_CORPUS, rows)
    build.metadata |= {
        "filings": drawn.height,
        "companies": rows["company_id"].n_unique(),
        **{split: rows.filter(pl.col("split") == split).height for split in ("train", "validation")},
    }
