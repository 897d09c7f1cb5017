"""Which model the settings name today, as the planner asks it of the assets that are made with it."""

from resources.environment import models
from resources.model_source import model_identity
from resources.profile import Profile
from resources.recipe import Slices


def model_now(profile: Profile, partition: str | None) -> Slices:
    """The model's id with the hash of its files or its commit."""
    return {"": model_identity(profile.model, models())}
