"""The learning rate from step to step."""

import pytest

from assets.saes.training.schedule import learning_rate_factor


def test_the_learning_rate_rises_falls_along_half_a_cosine_and_ends_low() -> None:
    """Of 400 steps 20 go up, and the cosine is down at step 340."""
    factors = [learning_rate_factor(step, 400) for step in range(400)]
    assert factors[:20] == pytest.approx([(step + 1) / 20 for step in range(20)], abs=0.01)
    assert [factors[85], factors[170], factors[255]] == pytest.approx([(1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2])
    assert sorted(factors[19:], reverse=True) == factors[19:]
    assert factors[340:] == [0.02] * 60
    assert learning_rate_factor(0, 1) == 1.0


def test_a_rate_comes_down_before_an_early_end() -> None:
    factors = [learning_rate_factor(step, 400, 200) for step in range(200)]
    assert factors[:150] == [learning_rate_factor(step, 400) for step in range(150)]
    assert factors[170] == pytest.approx(29 / 60)
    assert factors[185] == pytest.approx(14 / 60)
    assert sorted(factors[19:], reverse=True) == factors[19:]
    assert factors[-1] == 0.02
