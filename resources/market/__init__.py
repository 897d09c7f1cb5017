"""Daily prices: Yahoo, a file of one's own, or the bundled sample, behind one small protocol."""

from pathlib import Path

from resources.market.price_file import FileMarket
from resources.market.quotes import Market, PriceError, Quotes
from resources.market.yahoo import YahooMarket
from resources.settings.prices import Prices, Yahoo

__all__ = ["Market", "PriceError", "Quotes", "forget_prices", "open_market"]


def open_market(settings: Prices, home: Path) -> Market:
    """The market that a profile names; `home` is where downloads are kept."""
    return YahooMarket(settings.yahoo, home / "yahoo") if settings.source == "yfinance" else FileMarket(settings)


def forget_prices(home: Path) -> None:
    """Have Yahoo asked again for whole histories; those that are kept under `home` go on in their own units."""
    YahooMarket(Yahoo(), home / "yahoo").forget()
