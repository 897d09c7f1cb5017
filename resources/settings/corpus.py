"""Settings of the documents that sparse autoencoders are trained on."""

from datetime import date
from typing import Self

from pydantic import model_validator

from resources.settings.section import Day, Positive, Section, Seed, ShareBelowOne


class Corpus(Section):
    """The pinned SAE corpus: change `version` to draw it again."""

    version: Positive = 1
    """Raise it to draw the corpus anew; a new filing alone never does."""
    cutoff: Day = date(2004, 12, 31)
    """No filing after this day is in it."""
    max_tokens: Positive = 60_000
    """Whole documents are drawn until this many tokens are reached."""
    held_out_share: ShareBelowOne = 0.15
    """Share of documents never trained on, for scores alone."""
    validation_share: ShareBelowOne = 0.05
    """Share of documents never trained on that tell when training has gone on for long enough."""
    seed: Seed = 0
    """Seed of the draw."""

    @model_validator(mode="after")
    def _leaves_some_to_train_on(self) -> Self:
        if (kept_back := self.held_out_share + self.validation_share) >= 1:
            raise ValueError(
                f"held_out_share and validation_share add up to {kept_back:g}, which leaves nothing to train on; "
                "keep them below 1 together"
            )
        return self
