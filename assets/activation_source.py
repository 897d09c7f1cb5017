"""How a body comes by residual streams, wherever its stage is."""

from typing import TYPE_CHECKING

from resources.lake.build import Build

if TYPE_CHECKING:
    from assets.activations.source import ActivationSource


def activation_source(build: Build) -> "ActivationSource":
    """Return what gives residual streams, from shards or from the model, with its progress shown in this build."""
    from assets.activations.source import ActivationSource  # noqa: PLC0415

    return ActivationSource(build.profile, build.models, build.progress, build.log)
