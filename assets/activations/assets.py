"""Residual streams of the language model while it reads every description."""

from assets import schemas
from assets.declaration import asset
from resources.build import Build
from resources.environment import models
from resources.language_model import model_identity
from resources.profile import Profile
from resources.recipe import Slices, whole


def model_now(profile: Profile, partition: str | None) -> Slices:
    """Which model the settings name today."""
    return {"": model_identity(profile.model, models())}


@asset(
    schemas.ACTIVATIONS,
    partitioning="filing_year",
    reads={"descriptions": whole},
    fingerprint=model_now,
    config=["model", "activations.blocks", "activations.keep"],
    kinds=["torch", "transformerlens", "parquet"],
    resumes="shards",
)
def activations(build: Build) -> None:
    """One row per token and block; filings whose text did not change are carried over, not read again."""
    from assets.activations.keeping import keep_activations

    rows, read = keep_activations(build)
    build.write(schemas.ACTIVATIONS, rows)
    build.metadata |= {
        "tokens": int(rows["tokens"].sum()),
        "filings_read": len(read),
        "filings_carried_over": rows.height - len(read),
    }
