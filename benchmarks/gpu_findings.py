"""What a check finds: an error beside the most that the number type explains."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

UNIT = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}
"""Half a unit in the last place, over the number: the most that one rounding changes a number by."""


@dataclass(frozen=True)
class Finding:
    """One comparison with float64."""

    what: str
    error: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether the error is allowed; NaN never is."""
        return self.error <= self.allowed

    def __str__(self) -> str:
        verdict = "ok  " if self.passed else "FAIL"
        return f"{verdict} {self.what}: error {self.error:.2g}, allowed {self.allowed:.2g}"


@dataclass(frozen=True)
class Check:
    """One thing that runs on a device; its input and its reference are made beforehand, on the CPU."""

    name: str
    on: Callable[[str], Iterator[Finding]]
    """Run on a device, as torch names it."""


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return the norm of the difference over that of what is expected; infinite where shapes differ."""
    found = found.detach().cpu().double()
    if found.shape != expected.shape:
        return math.inf
    return float((found - expected).norm() / expected.norm().clamp_min(1e-300))


def largest_row_error(found: Tensor, expected: Tensor) -> float:
    """Return the largest relative error of a row of `[tokens, d]`; infinite where one is not a number."""
    found = found.detach().cpu().double()
    if found.shape != expected.shape:
        return math.inf
    errors = (found - expected).norm(dim=1) / expected.norm(dim=1).clamp_min(1e-300)
    return float(errors.nan_to_num(nan=math.inf).max())  # else Python's max() takes any number for larger than NaN
