"""Tear sheets: one page a method that needs no other file, with every book of it."""

import re
import xml.etree.ElementTree as ET
from datetime import date, timedelta
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.backtests.figures import book_figure, pair_figure
from assets.backtests.pair_picture import PairHistory, Windows, most_traded
from assets.backtests.pair_placebo import placebo_of_pairs
from assets.backtests.periods import book_months, book_years, capitals, of_book
from assets.backtests.placebo import placebo_tables, with_percentiles
from assets.backtests.tear_sheet import BookTables, file_of, render_index, render_tear_sheet, shown_pairs
from assets.backtests.walk import walk_forward
from resources.settings.backtest import Backtest

DAYS = [date(2003, 11, 1) + timedelta(i) for i in range(650)]
AS_OF = date(2004, 12, 31)
SETTINGS = Backtest(formation_months=12, trading_months=6, max_pairs=2, placebo_books=5)
BOOK = {"method": "sae", "selection": "uncorrected", "strategy": "pairs"}
BANNER = "A sample, <not> evidence."


def prices() -> pl.DataFrame:
    """b is flat and a swings around it, so that the pair of the two has many trades."""
    swing = np.exp(0.02 * np.sin(np.arange(len(DAYS)) / 5))
    walk = 50 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.02, len(DAYS))))
    closes = {"a": 100 * swing, "b": np.full(len(DAYS), 100.0), "c": 50 * swing[::-1], "d": walk}
    rows = [(i, i.upper(), day, float(v)) for i, own in closes.items() for day, v in zip(DAYS, own, strict=True)]
    return pl.DataFrame(rows, schema=["company_id", "ticker", "date", "adj_close"], orient="row")


def pair(method: str, b: str, rank: int) -> dict[str, object]:
    numbers = {
        "hedge_ratio": 1.0,
        "spread_mean": 0.0 if b == "b" else float(np.log(2)),
        "spread_sd": 0.01,
        "rank": rank,
    }
    return {
        "method": method,
        "as_of": AS_OF,
        "company_a": "a",
        "company_b": b,
        "passes": False,
        "rank": rank,
        **numbers,
    }


PAIRS = pl.DataFrame([pair("sae", "b", 1), pair("sae", "c", 2), pair("random", "c", 1)])
ROWS, RETURNS, TRADES = walk_forward(PAIRS, prices(), SETTINGS)
PLACEBOS = placebo_of_pairs(PAIRS, prices(), SETTINGS, capitals(RETURNS))
TABLES = BookTables(
    *(
        table if "strategy" in table.columns else table.with_columns(strategy=pl.lit("pairs"))
        for table in (
            schemas.BACKTEST_SUMMARY.frame(with_percentiles(ROWS, PLACEBOS)),
            RETURNS,
            book_years(RETURNS, TRADES),
            book_months(RETURNS, TRADES),
            placebo_tables(PLACEBOS)[1],
        )
    )
)
WINDOWS = Windows(prices(), SETTINGS)


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.links, self.texts = [], []  # type: ignore[var-annotated]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def html() -> str:
    return render_tear_sheet("sae", TABLES, shown_pairs(TABLES, TRADES, PAIRS, WINDOWS), BANNER)


def test_a_page_needs_no_other_file_and_escapes_its_banner(html: str) -> None:
    assert set(Page(html).links) == {"data:,", "tear-sheets.html", "#pairs-bh", "#pairs-uncorrected"}
    assert "url(" not in html and "<script" not in html
    assert BANNER in "".join(Page(html).texts)


def test_every_book_of_the_method_is_on_it_with_its_numbers(html: str) -> None:
    text = "".join(Page(html).texts)
    (row,) = TABLES.of(BOOK).summary.to_dicts()
    assert html.count("<h2 id=") == 2 and "Pairs, uncorrected" in text and "Pairs, bh" in text
    assert f"{row['sharpe']:.2f}" in text and f"{100 * row['placebo_percentile']:.0f} % did worse" in text
    assert "Of 5 books of random pairs" in text


def test_drawings_are_well_formed_and_inside_their_frame(html: str) -> None:
    drawings = [ET.fromstring(drawing) for drawing in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]
    assert len(drawings) == 5  # equity and drawdown of both books, and one pair
    for drawing in drawings:
        _, _, width, height = map(float, drawing.attrib["viewBox"].split())
        for line in drawing.iter():
            for point in line.attrib.get("points", "").split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= width and 0 <= y <= height


def test_drawings_have_a_scale_of_round_values_and_years(html: str) -> None:
    first = ET.fromstring(re.search(r"<svg.*?</svg>", html, re.DOTALL).group())  # type: ignore[union-attr]
    told = [text.text for text in first.iter("text")]
    assert "0" in told and len(told) >= 2
    assert not re.search(r"-0\.0+(?![0-9])", "".join(Page(html).texts))


def test_the_pair_with_the_most_trades_is_shown_with_all_of_them(html: str) -> None:
    history = most_traded(of_book(TRADES, BOOK), PAIRS.filter(method="sae"), WINDOWS)
    counts = TRADES.filter(selection="uncorrected", method="sae").group_by("company_b").len()
    assert isinstance(history, PairHistory) and len(history.trades) == counts["len"].max()
    assert html.count('<path class="closed"') == len(history.trades)
    assert f"{history.title}</h3>" in html


def test_months_are_in_the_table_of_years(html: str) -> None:
    gain = TABLES.of(BOOK).months["net_return"][0]
    assert f">{100 * gain:.2f}</td>" in html


def test_a_book_without_a_trade_is_shown_without_numbers() -> None:
    empty = render_tear_sheet("random", TABLES, {}, "")
    assert 'class="banner" role' not in empty and "Sharpe ratio <b>–</b>" in empty


def test_the_index_links_to_every_method() -> None:
    index = render_index(TABLES, BANNER)
    pages = {
        f"{file_of(method)}#pairs-{selection}" for method in ("sae", "random") for selection in ("bh", "uncorrected")
    }
    assert set(Page(index).links) == {"data:,", *pages}
    assert index.count("<tr><td>") == TABLES.summary.height


def test_pictures_have_three_panels_and_mark_every_trade() -> None:
    of = TABLES.of(BOOK)
    figure = book_figure("sae", of.returns, of.bands, of.months)
    equity, _, heat = figure.axes
    np.testing.assert_allclose(equity.lines[-2].get_ydata(), 100 * np.cumsum(of.returns["net_return"].to_numpy()))
    assert len(heat.texts) == of.months.height
    history = most_traded(of_book(TRADES, BOOK), PAIRS.filter(method="sae"), WINDOWS)
    assert history is not None
    marks = [line for line in pair_figure(history).axes[0].lines if line.get_marker() not in ("None", "")]
    assert len(marks) == 2 * len(history.trades)


def test_a_book_without_placebo_is_drawn_without_a_band() -> None:
    of = TABLES.of(BOOK)
    assert not book_figure("sae", of.returns, of.bands.clear(), of.months).axes[0].collections
