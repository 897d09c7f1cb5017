"""Residual streams of the language model while it reads every description."""

from assets import schemas
from assets.activations.model_now import model_now
from assets.declaration import asset
from resources.lake.build import Build
from resources.lake.recipe import whole


@asset(
    schemas.ACTIVATIONS,
    partitioning="filing_year",
    reads={"descriptions": whole},
    fingerprint=model_now,
    config=["model", "activations.blocks", "activations.keep"],
    kinds=["torch", "transformerlens", "parquet"],
    checkpoint_dir="shards",
)
def activations(build: Build) -> None:
    """Which filings were read, their residual streams beside; those whose text did not change are carried over."""
    from assets.activations.keeping import keep_activations

    rows = keep_activations(build)
    build.write(schemas.ACTIVATIONS, rows)
    build.metadata["tokens"] = int(rows["tokens"].sum())
