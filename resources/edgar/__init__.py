"""EDGAR over HTTP: politely, resumably, and no document twice."""

from resources.edgar.client import EdgarError, fetch_all
from resources.edgar.identity import EdgarIdentityError, identity
from resources.edgar.request import Request
from resources.network.retry import Patience

__all__ = ["EdgarError", "EdgarIdentityError", "Patience", "Request", "fetch_all", "identity"]
