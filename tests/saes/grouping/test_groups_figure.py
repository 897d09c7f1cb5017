"""The picture of the groups: it says the table's numbers, outlines every group, and nothing in it is cut off."""

from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from assets.saes.grouping.flop import CostModel
from assets.saes.grouping.groups_figure import MOST_TICKS, groups_figure
from assets.saes.grouping.layer_groups import group_frontier, layer_groups
from resources.settings.groups import Groups


def along_the_model(n: int) -> np.ndarray:
    """Distances that grow with the number of blocks between two."""
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return 0.5 * (1 - np.exp(-apart / 6))


def picture(distances: np.ndarray, chosen: Groups, first: int = 0) -> Figure:
    blocks = range(first, first + len(distances))
    rows = layer_groups(distances, chosen, CostModel(576, 4), blocks)
    return groups_figure(distances, rows, group_frontier(distances, chosen.strategy, CostModel(576, 4), blocks))


def outlines(figure: Figure) -> list[tuple[float, float, float, float]]:
    patches = [patch for patch in figure.axes[1].patches if isinstance(patch, Rectangle)]
    return [(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in patches]


def test_the_picture_says_the_numbers_of_the_table() -> None:
    distances = along_the_model(6)
    rows = layer_groups(distances, Groups(count=2), CostModel(576, 4), range(6)).row(0, named=True)
    figure = picture(distances, Groups(count=2))
    assert figure.get_suptitle() == (
        "6 blocks: 2 groups and the last block (optimal)\n"
        f"predicted loss {rows['predicted_loss']:.3f}, AMAD {rows['amad']:.3f}, "
        f"cost {rows['cost_ratio']:.0%} of one SAE per block"
    )
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["chord", "2 groups"]  # type: ignore[union-attr]


def test_the_chosen_point_is_marked_on_the_frontier() -> None:
    distances = along_the_model(8)
    points = group_frontier(distances, "optimal", CostModel(576, 4), range(8))
    line, _, mark = picture(distances, Groups(count=3)).axes[0].get_lines()
    np.testing.assert_array_equal(line.get_xdata(), points["cost_ratio"])
    np.testing.assert_array_equal(line.get_ydata(), points["predicted_loss"])
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == points.row(2)[1:]  # type: ignore[index]


def test_every_group_is_outlined_and_the_last_block_too() -> None:
    assert outlines(picture(along_the_model(5), Groups(count=2, strategy="even"), first=20)) == [
        (-0.5, -0.5, 2, 2), (1.5, 1.5, 2, 2), (3.5, 3.5, 1, 1),
    ]  # fmt: skip


def test_a_group_with_gaps_is_outlined_piece_by_piece() -> None:
    distances = np.full((4, 4), 0.4)
    distances[0, 2] = distances[2, 0] = 0.1
    np.fill_diagonal(distances, 0)
    found = outlines(picture(distances, Groups(count=2, strategy="complete")))
    assert sorted(found) == [
        (-0.5, -0.5, 1, 1), (-0.5, 1.5, 1, 1), (0.5, 0.5, 1, 1), (1.5, -0.5, 1, 1), (1.5, 1.5, 1, 1), (2.5, 2.5, 1, 1),
    ]  # fmt: skip


def test_axes_are_numbered_by_block_and_not_by_place() -> None:
    shown = [text.get_text() for text in picture(along_the_model(3), Groups(), first=24).axes[1].get_xticklabels()]
    assert shown == ["24", "25", "26"]
    assert len(picture(along_the_model(70), Groups()).axes[1].get_xticks()) <= MOST_TICKS


def test_a_single_block_has_a_picture_that_says_so() -> None:
    figure = picture(np.zeros((1, 1)), Groups(), first=24)
    assert [text.get_text() for text in figure.axes[0].texts] == ["no block to group"]
    assert drawn(figure)


@pytest.mark.parametrize("n", [2, 4, 12, 30, 80])
def test_nothing_overlaps_or_is_cut_off(n: int) -> None:
    figure = picture(along_the_model(n), Groups())
    FigureCanvasAgg(figure).draw()
    title = figure._suptitle.get_window_extent()  # type: ignore[attr-defined]
    left, right, bar = (axes.get_tightbbox() for axes in figure.axes)
    assert left.x1 < right.x0 and right.x1 < bar.x1  # type: ignore[union-attr]
    assert all(box.y1 < title.y0 for box in (left, right))  # type: ignore[union-attr]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in (title, left, right, bar))  # type: ignore[union-attr]
    numbers = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: box.x0)
    assert not any(one.overlaps(other) for one, other in pairwise(numbers))


def test_the_same_rows_are_the_same_picture() -> None:
    one, two = (drawn(picture(along_the_model(6), Groups())) for _ in range(2))
    assert one == two


def drawn(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=60, metadata={"Software": None})
    return file.getvalue()
