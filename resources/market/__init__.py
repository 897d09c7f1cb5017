"""Daily prices from Yahoo, the user's own file, or the bundled sample, behind one small protocol."""

from pathlib import Path

from resources.market.price_file import FileMarket
from resources.market.quotes import Market, PriceError, Quotes
from resources.market.yahoo import YahooMarket
from resources.settings.prices import Prices, Yahoo

__all__ = ["Market", "PriceError", "Quotes", "forget_prices", "open_market"]


def open_market(settings: Prices, home: Path) -> Market:
    """Return the market that a profile names; `home` is the folder for downloads."""
    return YahooMarket(settings.yahoo, home / "yahoo") if settings.source == "yfinance" else FileMarket(settings)


def forget_prices(home: Path) -> None:
    """Mark all Yahoo histories under `home` to be fetched again as a whole; stored prices keep their scale."""
    YahooMarket(Yahoo(), home / "yahoo").forget()
