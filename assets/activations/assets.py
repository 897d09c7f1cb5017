"""Residual streams of the language model while it reads every description."""

from assets import schemas
from assets.activation_source import READING
from assets.declaration import asset
from assets.model_now import model_now
from assets.texts_read import texts_read
from resources.lake.build import Build
from resources.lake.recipe import whole

BLOCKS = ("activations.blocks", "activations.keep")
"""Settings that change which streams are kept, and no number of them."""


@asset(
    schemas.ACTIVATIONS,
    partitioning="filing_year",
    reads={"descriptions": whole, "passages": whole},
    fingerprint=model_now,
    config=["model", "activations.blocks", "activations.keep"],
    runs_with=READING,
    also=["assets.activations.cache:fill"],
    units=["assets.activations.harvest.reader:Reader"],
    kinds=["torch", "parquet"],
    checkpoint_dir="shards",
)
def activations(build: Build) -> None:
    """Read every filing with the model and keep its residual streams; unchanged filings are carried over."""
    from assets.activations.harvest.reader import Reader
    from assets.activations.keeping import (
        activation_rows,
        keep_activations,
        known_tokens,
        text_digests,
        with_input_digests,
    )

    reader, before = Reader(build.profile, build.models, build.progress, build.log), build.before("activations")
    described = texts_read(build.read("descriptions"), build.read("passages"))
    texts = text_digests(described, build.profile.model, build.models)
    unchanged = build.record_units(texts, excluding=BLOCKS)
    filings = with_input_digests(described, texts, build.unit_code, before, unchanged)
    tokens = known_tokens(filings, before)
    if build.profile.activations.keep == "all" and filings.height:
        kept = keep_activations(filings, reader, build.folder, build.before_folder)
        tokens = kept.tokens
        build.metadata |= kept.metadata
    rows = activation_rows(filings, tokens, reader)
    build.write(schemas.ACTIVATIONS, rows)
    build.metadata["tokens"] = int(rows["tokens"].sum())
