"""Books by year and month."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from assets import schemas
from assets.backtests.periods import book_months, book_years, of_book, shown_book

DAYS = [date(2005, 12, 30), date(2005, 12, 31), date(2006, 1, 2), date(2006, 1, 3), date(2006, 2, 1)]
NET = [0.01, -0.02, 0.0, 0.0, 0.0]
BOOK = {"strategy": "pairs"}
RETURNS = pl.DataFrame(BOOK | {"method": "sae", "selection": "bh", "date": DAYS, "net_return": NET})
TRADES = pl.DataFrame(BOOK | {"method": "sae", "selection": "bh", "closed": [DAYS[1], DAYS[3], DAYS[3]]})


def test_a_year_has_its_sum_its_sharpe_ratio_and_the_trades_closed_in_it() -> None:
    years = book_years(RETURNS, TRADES)
    assert schemas.BACKTEST_YEARS.validate(years).num_rows == 2
    first = np.array(NET[:2])
    assert years.row(0, named=True) | {"sharpe": None} == {
        "method": "sae",
        "selection": "bh",
        "strategy": "pairs",
        "year": 2005,
        "net_return": pytest.approx(-0.01),
        "sharpe": None,
        "trades": 1,
    }
    assert years["sharpe"][0] == pytest.approx(first.mean() / first.std(ddof=1) * np.sqrt(252))
    assert (years["sharpe"][1], years["trades"][1]) == (None, 2)


def test_months_end_on_their_last_day_and_add_up_to_the_book() -> None:
    months = book_months(RETURNS, TRADES)
    assert schemas.BACKTEST_MONTHS.validate(months).num_rows == 3
    assert months["month"].to_list() == [date(2005, 12, 31), date(2006, 1, 31), date(2006, 2, 28)]
    assert months["trades"].to_list() == [1, 2, 0]
    assert months["net_return"].sum() == pytest.approx(sum(NET))


def test_the_picture_shows_the_book_of_sae_with_the_most_trades() -> None:
    names = {"method": ["tfidf", "sae", "sae"], "selection": ["bh", "bh", "uncorrected"], "trades": [9, 1, 2]}
    names |= {"strategy": ["pairs"] * 3}
    shown = shown_book(pl.DataFrame(names))
    assert shown == {"method": "sae", "selection": "uncorrected", "strategy": "pairs"}
    assert of_book(RETURNS, shown).is_empty() and shown_book(pl.DataFrame(names).clear()) is None
