"""The learning rate from step to step: up, half a cosine down, and down early where training ends early."""

import math

WARM_UP, DECAYED, COOLING = 0.05, 0.85, 0.15
"""Shares of the steps: in which the rate rises, in which it falls, and in which it falls once the curve is flat."""
MIN_RATE = 0.02
"""Share of the peak rate under which it never falls."""


def learning_rate_factor(step: int, steps: int, ends: int | None = None) -> float:
    """Return the share of the peak rate at `step` of 0..steps-1.

    Up in the first 20th, half a cosine down towards 85 % of the steps, and never under 2 %, which it reaches after
    77 %: at this rate the end of a held-out curve shows whether it is flat. Where training `ends` before its last step,
    the rate comes down to 2 % by then.
    """
    up = (step + 1) / max(1.0, WARM_UP * steps)
    down = (1 + math.cos(math.pi * min(1.0, step / (DECAYED * steps)))) / 2
    if ends is not None and ends < steps:
        down = min(down, (ends - 1 - step) / (COOLING * steps))
    return min(1.0, up) * max(MIN_RATE, down)
