"""EDGAR over HTTP: within the SEC's rate limit, resumable, and each document fetched once."""

from resources.edgar.client import EdgarError, fetch_all
from resources.edgar.identity import EdgarIdentityError, identity
from resources.edgar.request import Request
from resources.network.retry import RetryPolicy

__all__ = ["EdgarError", "EdgarIdentityError", "Request", "RetryPolicy", "fetch_all", "identity"]
