"""The data-quality picture and its numbers, against counts by hand and by the long way."""

import math
from datetime import date
from io import BytesIO
from itertools import pairwise, product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from assets import schemas
from assets.prices.quality import coverage, missing_by_reason, quality_numbers
from assets.prices.quality_figure import MOST_REASONS, quality_figure
from assets.prices.returns import monthly_returns
from resources.market.price_file import SAMPLE_PRICES

MONTHS = [date(2003, 11, 30), date(2003, 12, 31), date(2004, 1, 31), date(2004, 2, 29), date(2004, 3, 31)]


def returns(*rows: tuple[str, date, float, list[str]]) -> pl.DataFrame:
    schema = {"company_id": pl.String, "month": pl.Date, "log_return": pl.Float64, "flags": pl.List(pl.String)}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def missing(*rows: tuple[str | None, str]) -> pl.DataFrame:
    named = [{"company_id": str(n), "ticker": ticker, "reason": reason} for n, (ticker, reason) in enumerate(rows)]
    return schemas.PRICES_MISSING.frame(named)


def some() -> pl.DataFrame:
    return returns(
        ("1", MONTHS[0], 0.1, []),
        ("1", MONTHS[1], -1.5, ["outlier", "stale"]),
        ("1", MONTHS[4], 0.2, []),
        ("2", MONTHS[1], 1.2, ["outlier", "reversal"]),
        ("2", MONTHS[3], 0.0, ["delisted"]),
    )


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def drawn(figure: Figure) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=60, metadata={"Software": None})
    return file.getvalue()


def test_coverage_counts_returns_flags_and_gaps_of_every_month() -> None:
    rows = coverage(some(), 3)
    assert rows.columns == ["month", "returns", "flagged", "gaps", "companies"]
    assert rows["month"].to_list() == MONTHS
    assert rows.drop("month").rows() == [(1, 0, 0, 3), (2, 2, 0, 3), (0, 0, 2, 3), (1, 1, 1, 3), (1, 0, 0, 3)]


def test_coverage_of_no_return_has_no_month() -> None:
    assert coverage(returns(), 3).rows() == []


@given(st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from(MONTHS)), min_size=1))
def test_gaps_are_the_months_between_a_companys_first_and_last(present: set[tuple[str, date]]) -> None:
    rows = coverage(returns(*((company, month, 0.0, []) for company, month in sorted(present))), 4)
    of = {company: [month for other, month in present if other == company] for company, _ in present}
    holes = [m for c, m in product(of, MONTHS) if min(of[c]) < m < max(of[c]) and (c, m) not in present]
    assert {month: gaps for month, gaps in rows.select("month", "gaps").rows() if gaps} == {
        month: holes.count(month) for month in holes
    }
    assert rows["returns"].sum() == len(present)


def test_reasons_that_differ_in_what_they_say_of_one_ticker_are_of_one_kind() -> None:
    rows = missing(
        ("BSC", "quotes of 2008-08-07 to 2011-08-25 only, when the ticker meant another company"),
        ("CIT", "quotes of 2009-11-01 to 2012-09-12 only, when the ticker meant another company"),
        ("F", "F: adj_close -1.5e-07 on 2004-03-01"),
        ("BF.B, $X", "$BF.B: adj_close 12,345.67 on 2004-03-02; $X: adj_close 0 on 2004-03-02"),
        ("A", 'Yahoo means "A Corp."'),
        ("B", "Yahoo means 'Bravo 1'"),
        (None, "no ticker known"),
    )
    assert missing_by_reason(rows).rows() == [
        ("Yahoo means …", 2),
        ("quotes of … to … only, when the ticker meant another company", 2),
        ("…: adj_close … on …", 2),
        ("no ticker known", 1),
    ]


def test_a_ticker_that_is_part_of_a_word_is_left_in_it() -> None:
    assert missing_by_reason(missing(("NO", "NOT FOUND: NO"), ("T", "T-bill's T")))["kind"].to_list() == [
        "NOT FOUND: …",
        "T-bill's …",
    ]


def test_numbers_are_counts_by_hand() -> None:
    late = {"company_id": "9", "ticker": "A", "through": MONTHS[0], "reason": "throttled"}
    absent = pl.concat([missing((None, "no ticker known")), schemas.PRICES_MISSING.frame([late])])
    numbers = quality_numbers(some(), absent)
    mean = (0.1 - 1.5 + 0.2 + 1.2) / 5
    variance = sum((x - mean) ** 2 for x in (0.1, -1.5, 0.2, 1.2, 0.0)) / 5
    assert numbers == {
        "missing": 1, "behind": 1, "gaps": 3, "outlier": 2, "reversal": 1, "stale": 1, "delisted": 1,
        "first_month": "2003-11", "last_month": "2004-03", "std": pytest.approx(math.sqrt(variance), abs=1e-9),
        "worst": -1.5, "worst_of": "1, 2003-12", "best": 1.2, "best_of": "2, 2003-12",
    }  # fmt: skip


def test_numbers_of_no_return_are_counts_only() -> None:
    assert set(quality_numbers(returns(), missing()).values()) == {0}
    assert "std" not in quality_numbers(returns(), missing())


def test_the_picture_says_numbers() -> None:
    figure = quality_figure(some(), missing(("A", "gone"), ("B", "gone"), (None, "no ticker known")), 5)
    assert figure.get_suptitle() == (
        "5 companies (3 without prices), 5 months, 2003-11 to 2004-03\n"
        "5 monthly returns, 3 gaps; flagged: 2 outlier, 1 reversal, 1 stale, 1 delisted"
    )
    known, odd, absent, spread = figure.axes
    assert [text.get_text() for axes in (known, odd, spread) for text in axes.get_legend().get_texts()] == [  # type: ignore[union-attr]
        "have a return", "all 5 companies", "flagged: 3", "gaps (downwards): 3", "within ±1: 3", "beyond: 2",
    ]  # fmt: skip
    assert texts(absent) == ["2  gone", "1  no ticker known"]
    assert spread.get_xlabel() == "worst -1.50 (1, 2003-12), best +1.20 (2, 2003-12)"


@pytest.mark.parametrize("values", [[0.0], [-25.0, -1.0, -0.999, 0.0, 1.0, 1.001, 7.3], [-1e3, 0.01, 1e3]])
def test_every_return_is_in_a_bar(values: list[float]) -> None:
    rows = returns(*((str(n), MONTHS[0], value, []) for n, value in enumerate(values)))
    axes = quality_figure(rows, missing(), len(values)).axes[3]
    assert sum(bar.get_height() for bar in axes.patches) == len(values)  # type: ignore[attr-defined]
    assert axes.get_xlim()[0] <= min(-1, *values) and axes.get_xlim()[1] >= max(1, *values)


def test_an_empty_picture_says_so() -> None:
    figure = quality_figure(returns(), missing(), 3)
    assert [texts(axes) for axes in figure.axes] == [["no returns"], ["no returns"], ["none missing"], ["no returns"]]
    assert drawn(figure)


def test_rare_reasons_are_summed_up() -> None:
    rows = missing(*((None, "reason " + "x" * kind) for kind in range(40) for _ in range(50 - kind)))
    shown = texts(quality_figure(some(), rows, 2000).axes[2])
    assert shown[:2] == ["50  reason", "49  reason x"]
    assert (len(shown), shown[-1]) == (MOST_REASONS, f"{sum(range(11, 44)):,}  33 other reasons")


def test_nothing_in_the_picture_overlaps_or_is_cut_off() -> None:
    long = "quotes of another security only, and then words and words " * 9
    rows = missing(*((None, f"{chr(97 + kind)} {long}") for kind in range(20) for _ in range(1500 - kind)))
    numbers = pl.DataFrame({"n": range(600)})
    many = numbers.select(
        company_id=pl.format("{}", pl.col("n") % 12 + 10**9),
        month=pl.date(1990, 1, 1).dt.offset_by(pl.format("{}mo", pl.col("n") // 2)).dt.month_end(),
        log_return=(pl.col("n") % 7 - 3) * 0.9,
        flags=pl.lit(["outlier"]),
    )
    figure = quality_figure(many, rows, 123456)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    whole, title = figure.bbox, figure._suptitle  # type: ignore[attr-defined]
    panels = [axes.get_tightbbox() for axes in figure.axes]
    boxes = [title.get_window_extent(), *panels]
    assert all(above.y0 > below.y1 for above, below in pairwise(boxes))  # type: ignore[union-attr]
    lines = [text.get_window_extent() for text in figure.axes[2].texts]
    bars = [bar.get_window_extent() for bar in figure.axes[2].patches]
    column = [box for pair in zip(lines, bars, strict=True) for box in pair]
    assert all(above.y0 > below.y1 for above, below in pairwise(column))
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 for box in [*boxes, *lines])  # type: ignore[union-attr]
    for axes in figure.axes:
        legend = axes.get_legend()
        assert legend is None or legend.get_window_extent().x0 > axes._left_title.get_window_extent().x1  # type: ignore[attr-defined]


@given(st.lists(st.text("$\\_{}^%'\"\n\t é漢", max_size=12), max_size=4))
@settings(max_examples=10, deadline=None)
@pytest.mark.filterwarnings("ignore:Glyph .* missing:UserWarning")
def test_reasons_and_names_are_never_taken_for_formulas(words: list[str]) -> None:
    rows = missing(*((word or None, f"{word} is no $\\formula$") for word in words))
    odd = returns(*((f"$\\{word}_{n}$", MONTHS[0], 0.1, []) for n, word in enumerate(words)))
    assert drawn(quality_figure(odd, rows, len(words)))


def test_the_same_rows_are_the_same_picture() -> None:
    one, two = (drawn(quality_figure(some(), missing((None, "no ticker known")), 3)) for _ in range(2))
    assert one == two


def test_the_picture_of_real_returns_counts_what_the_table_has() -> None:
    sample = pl.read_parquet(SAMPLE_PRICES).rename({"ticker": "company_id"})
    rows = monthly_returns(sample.with_columns(pl.col("adj_close").cast(pl.Float64)))
    figure = quality_figure(rows, missing(), sample["company_id"].n_unique())
    assert figure.get_suptitle().startswith(
        f"162 companies (0 without prices), 150 months, 2000-03 to 2012-08\n{rows.height:,}"
    )
    bars = [bar.get_height() for bar in figure.axes[3].patches]  # type: ignore[attr-defined]
    assert sum(bars) == rows.height
