"""What reading costs, reported in advance: tokens, bytes and room for them, then minutes from a calibration."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class DiskFullError(OSError):
    """The activations do not fit on the disk."""


@dataclass(frozen=True)
class Cost:
    """Tokens read, bytes stored, seconds taken."""

    tokens: int
    bytes: int
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Speed; 0 where no time has passed."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0


class Meter:
    """Report what reading costs: tokens and bytes at its start, minutes once the speed is known.

    The first seconds of the reading itself are the calibration, so nothing is read twice.

    Parameters
    ----------
    total_tokens : tokens that will be read
    total_bytes : bytes that will be stored for them
    log : takes a sentence
    clock : seconds
    after : seconds of reading after which the speed is taken
    """

    def __init__(
        self,
        total_tokens: int,
        total_bytes: int,
        log: Callable[[str], None],
        clock: Callable[[], float] = time.perf_counter,
        after: float = 5.0,
    ) -> None:
        self._tokens, self._bytes, self._log, self._clock, self._after = total_tokens, total_bytes, log, clock, after
        self._began = self._last = 0.0
        self._read = 0
        self.predicted: Cost | None = None
        """The whole cost as the calibration predicts it; None before."""

    def start(self) -> None:
        """Log tokens and bytes, and start the clock; loading the model must not count, so open it before."""
        self._log(f"{self._tokens:,} tokens to read, {readable(self._bytes)}")
        self._began = self._last = self._clock()

    def advance(self, n: int) -> None:
        """Count `n` more tokens as read; log the speed and the time to go, once, when the calibration is over."""
        self._read += n
        self._last = self._clock()
        spent = self.spent
        if self.predicted is None and spent.seconds >= self._after and 0 < spent.tokens < self._tokens:
            self.predicted = Cost(self._tokens, self._bytes, self._tokens / spent.tokens_per_second)
            rest = _rounded(self.predicted.seconds - spent.seconds)
            self._log(f"{rest} to go at {spent.tokens_per_second:,.0f} tokens/s")

    @property
    def spent(self) -> Cost:
        """The cost so far."""
        share = self._read / self._tokens if self._tokens else 0.0
        return Cost(self._read, round(self._bytes * share), self._last - self._began)

    def metadata(self) -> dict[str, int | float]:
        """Return `tokens_read`, `gigabytes`, `tokens_per_second`, `minutes`, and `predicted_minutes` if calibrated."""
        spent = self.spent
        predicted = {} if self.predicted is None else {"predicted_minutes": round(self.predicted.seconds / 60, 2)}
        return {
            "tokens_read": spent.tokens,
            "gigabytes": round(spent.bytes / 1e9, 3),
            "tokens_per_second": round(spent.tokens_per_second, 1),
            **predicted,
            "minutes": round(spent.seconds / 60, 2),
        }


def check_room(folder: Path, bytes_needed: int) -> None:
    """Check that the disk of `folder`, which need not exist yet, has room.

    Raises
    ------
    DiskFullError
        Less is free than needed.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if bytes_needed > free:
        raise DiskFullError(
            f"{folder}: the activations need {readable(bytes_needed)}, {readable(free)} are free; name fewer blocks in "
            "`activations.blocks`, or set `activations.keep` to corpus (only what autoencoders are trained on) or none"
        )


def readable(n_bytes: int) -> str:
    """Return bytes in a readable unit, as in "1.6 GB"; a unit is 1,000 of the one before."""
    size, unit = float(n_bytes), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 99.95 else f"{size:.1f} {unit}"


def _rounded(seconds: float) -> str:
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    return f"about {seconds / 3600:,.1f} hours"
