"""Settings of the documents that sparse autoencoders are trained on."""

from datetime import date

from resources.settings.section import Positive, Section, Share


class Corpus(Section):
    """The pinned SAE corpus: change `version` to draw it again."""

    version: Positive = 1
    """Raise it to draw the corpus anew; a new filing alone never does."""
    cutoff: date = date(2004, 12, 31)
    """No filing after this day is in it."""
    max_tokens: Positive = 60_000
    """Whole documents are drawn until this many tokens are reached."""
    held_out_share: Share = 0.15
    """Share of documents never trained on, for scores alone."""
    validation_share: Share = 0.05
    """Share of documents never trained on that tell when training has gone on for long enough."""
    seed: int = 0
    """Seed of the draw."""
