"""Learning curves: their points, whether one is flat at its end, and the error of one that diverged."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

FLAT_SHARE = 0.2
"""Of the tokens so far: the stretch at the end over which a curve is flat or not."""


class CurvePoint(NamedTuple):
    """One point of a learning curve."""

    tokens: int
    """Tokens seen so far."""
    fvu: float
    """Fraction of variance unexplained on the batch, the mean over its blocks, each about its own mean."""
    held_out_fvu: float | None
    """The same on validation documents; None where it was not measured at this point."""
    dead_share: float
    """Share of latents silent for the last 10 batches or longer."""


class TrainingDivergedError(RuntimeError):
    """The loss or the held-out FVU became NaN or infinite; `curve` is the learning curve up to there."""

    def __init__(self, message: str, curve: list[CurvePoint]) -> None:
        super().__init__(message)
        self.curve = curve


def gain_at_end(curve: Sequence[CurvePoint]) -> float | None:
    """Return by which share the held-out FVU fell over the last fifth of the tokens; None where it began later."""
    measured = [(point.tokens, point.held_out_fvu) for point in curve if point.held_out_fvu is not None]
    if not measured:
        return None
    tokens, now = measured[-1]
    before = [fvu for seen, fvu in measured if seen <= (1 - FLAT_SHARE) * tokens]
    if not before:
        return None
    return 1 - now / before[-1] if before[-1] else 0.0


def write_curve(file: Path, curve: Sequence[CurvePoint]) -> None:
    """Write a curve as CSV with a header, for a person to look at."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([CurvePoint._fields, *curve])
