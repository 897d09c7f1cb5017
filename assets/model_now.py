"""The fingerprint of the language model, which the planner takes for all assets that are made with it."""

from resources.lake.recipe import Slices
from resources.models.model_source import model_identity
from resources.settings.profile import Profile
from resources.sources import Sources


def model_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    """Return the id of the model that the settings name now, with the hash of its files or its commit."""
    return {"": model_identity(profile.model, sources.models)}
