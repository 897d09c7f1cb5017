"""The picture of the learning curves."""

from io import BytesIO

import polars as pl
import pytest
from matplotlib.figure import Figure

from assets import schemas
from assets.saes.training.curve import CurvePoint
from assets.saes.training.curves_figure import curves_figure
from assets.saes.writing import curve_rows

POINTS = 30


def curves(entries: int, every: int = 10) -> pl.DataFrame:
    """Rows of `sae_curves`; the held-out FVU was measured at every tenth point, or never for `every` = 0."""
    rows = []
    for entry in range(entries):
        points = [
            CurvePoint(100 * i, 1 / i + entry / 100, 1.1 / i if every and i % every == 0 else None, 0.5 / i)
            for i in range(1, POINTS + 1)
        ]
        rows += curve_rows(f"block-{entry:02d}", points)
    return schemas.SAE_CURVES.frame(rows)


def labels(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


@pytest.mark.parametrize("every", [10, 0])
@pytest.mark.parametrize("entries", [1, 3, 12, 30])
def test_every_entry_has_a_line_and_dots_where_it_was_validated(entries: int, every: int) -> None:
    figure = curves_figure(curves(entries, every))
    figure.savefig(BytesIO(), format="png")
    fvu, dead = figure.axes
    assert len(fvu.get_lines()) == 2 * entries
    assert [len(line.get_xdata()) for line in fvu.get_lines()] == [POINTS, 3 if every else 0] * entries
    assert [len(line.get_xdata()) for line in dead.get_lines()] == [POINTS] * entries


def test_the_lines_say_the_numbers_of_the_table() -> None:
    shuffled = curves(1).sample(fraction=1.0, shuffle=True, seed=0)
    line, dots = curves_figure(shuffled).axes[0].get_lines()
    assert line.get_xdata().tolist() == [100 * i for i in range(1, POINTS + 1)]
    assert line.get_ydata()[0] == 1.0
    assert line.get_ydata()[-1] == pytest.approx(sum(1 / i for i in range(26, 31)) / 5)
    assert (dots.get_xdata().tolist(), dots.get_ydata().tolist()) == (
        [1000, 2000, 3000],
        [1.1 / 10, 1.1 / 20, 1.1 / 30],
    )


def test_of_many_entries_only_the_lowest_and_the_highest_are_named() -> None:
    assert labels(curves_figure(curves(3))) == ["block-00", "block-01", "block-02"]
    assert len(labels(curves_figure(curves(12)))) == 12
    assert labels(curves_figure(curves(30))) == ["block-00", "block-29"]


def test_each_entry_has_one_colour_of_its_own() -> None:
    fvu, dead = curves_figure(curves(30)).axes
    lines, dots = fvu.get_lines()[::2], fvu.get_lines()[1::2]
    assert len({line.get_color() for line in lines}) == 30
    assert [line.get_color() for line in lines] == [line.get_color() for line in dots]
    assert [line.get_color() for line in lines] == [line.get_color() for line in dead.get_lines()]
