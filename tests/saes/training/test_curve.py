"""Learning curves, and whether they are flat."""

import pytest

from assets.saes.training.curve import CurvePoint, gain_at_end


def curve_of(*points: tuple[int, float | None]) -> list[CurvePoint]:
    return [CurvePoint(tokens, 0.5, fvu, 0.0) for tokens, fvu in points]


def test_gain_at_end_by_hand() -> None:
    points = [(100, 0.9), (200, 0.8), (750, 0.5), (850, None), (900, 0.45), (1000, 0.4)]
    assert gain_at_end(curve_of(*points)) == pytest.approx(1 - 0.4 / 0.5)
    assert gain_at_end(curve_of(*points, (1100, None))) == pytest.approx(1 - 0.4 / 0.5)
    assert gain_at_end(curve_of((800, 0.5), (1000, 0.6))) == pytest.approx(-0.2)
    assert gain_at_end(curve_of((801, 0.5), (1000, 0.4))) is None
    assert gain_at_end(curve_of((1000, 0.4))) is None
    assert gain_at_end(curve_of((1000, None))) is None
    assert gain_at_end([]) is None
