"""How a body comes by residual streams, wherever its stage is."""

from typing import TYPE_CHECKING

from resources.lake.build import Build

if TYPE_CHECKING:
    from assets.activations.source import ActivationSource

READING = ("model", *(f"activations.{key}" for key in ("blocks", "batch_tokens", "shard_tokens")))
"""Settings with which the model reads. What they change is in `input_digest`, a column of those assets' inputs."""


def activation_source(build: Build) -> "ActivationSource":
    """Return what gives residual streams, from shards or from the model, with its progress shown in this build."""
    from assets.activations.source import ActivationSource  # noqa: PLC0415

    return ActivationSource(build.profile, build.models, build.progress, build.log)
