"""Residual streams of the language model while it reads every description."""

from assets import schemas
from assets.declaration import asset
from resources.build import Build
from resources.environment import models
from resources.language_model import model_identity
from resources.profile import Profile
from resources.recipe import Slices, whole


def _model_now(profile: Profile, partition: str | None) -> Slices:
    return {"": model_identity(profile.model, models())}


@asset(
    schemas.ACTIVATIONS,
    partitioning="filing_year",
    reads={"descriptions": whole},
    fingerprint=_model_now,
    config=["model", "activations.blocks"],
    kinds=["torch", "transformerlens", "parquet"],
)
def activations(build: Build) -> None:
    """One shard per block, one row per token; filings whose text did not change are carried over, not read again."""
    from assets.activations.cache import Kept, write_filings
    from assets.activations.harvest import harvest
    from assets.activations.shards import Shards, ShardWriter
    from resources.language_model import open_language_model

    settings, filings = build.profile.model, build.read("descriptions").sort("accession")
    identity = model_identity(settings, build.models)
    texts = build.filing_digests("descriptions")
    kept = build.unchanged({accession: [digest, identity] for accession, digest in texts.items()})
    old = Shards(build.before_folder / "shards") if kept else None
    rows = {row["accession"]: row for row in build.before("activations").to_dicts() if row["accession"] in kept}
    model = open_language_model(settings, build.models) if len(kept) < filings.height or old is None else None
    blocks = old.blocks if old else tuple(build.profile.activations.blocks or range(model.n_blocks))  # type: ignore[union-attr]
    width = old.d_model if old else model.d_model  # type: ignore[union-attr]
    about = {"model": identity, "context_length": str(settings.context_length)}
    with (
        build.progress(filings.height, "filings") as progress,
        ShardWriter(build.folder / "shards", blocks, width, about) as writer,
    ):
        index = write_filings(
            writer,
            filings,
            Kept(old, rows),
            lambda text: harvest(model, text, blocks, settings.context_length),  # type: ignore[arg-type]
            progress,
        )
    build.write(schemas.ACTIVATIONS, schemas.ACTIVATIONS.frame(index))
    build.metadata |= {
        "tokens": sum(row["tokens"] for row in index),
        "filings_read": filings.height - len(kept),
        "filings_carried_over": len(kept),
    }
