"""Daily prices from Yahoo through yfinance: rate-limited, resumable, complete or missing with a reason."""

from resources.market.yahoo.market import YahooMarket

__all__ = ["YahooMarket"]
