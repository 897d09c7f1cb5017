"""Which model the settings name today, as the planner asks it of the assets that are made with it."""

from resources.lake.recipe import Slices
from resources.models.model_source import model_identity
from resources.settings.profile import Profile
from resources.sources import Sources


def model_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    """Return the model's id with the hash of its files or its commit."""
    return {"": model_identity(profile.model, sources.models)}
