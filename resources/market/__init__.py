"""Daily prices from Yahoo, the user's own file, or the bundled sample, behind one small protocol."""

from resources.market.price_file import FileMarket
from resources.market.quotes import Market, PriceError, Quotes
from resources.market.yahoo import YahooMarket

__all__ = ["FileMarket", "Market", "PriceError", "Quotes", "YahooMarket"]
