"""Sends a prompt over HTTP and returns the status and the bytes of the answer."""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from resources.explainer.chat_answer import MAX_BYTES
from resources.network.retry import TransientError


class LostAnswerError(TransientError):
    """The prompt was sent and its answer never came: it may have been paid for."""


@dataclass(frozen=True)
class Response:
    """An answer as it arrived."""

    status: int
    headers: httpx.Headers
    content: bytes


class HttpSession:
    """Connections to one endpoint.

    Parameters
    ----------
    url : str
        Address before `/chat/completions`; a query, as Azure's `?api-version=`, stays behind it.
    key : str or None
        Sent as a bearer token.
    timeout : float
        Seconds for opening a connection, and for one whole answer.
    """

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        base = httpx.URL(url)
        self._address = base.copy_with(path=f"{base.path.rstrip('/')}/chat/completions")
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._timeout = timeout
        # Redirects are not followed: the key would go to whatever host an answer names.
        self._client = httpx.Client(timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def post(self, body: dict[str, Any]) -> Response:
        """Send a prompt.

        Raises
        ------
        TransientError
            There is no connection.
        LostAnswerError
            The answer takes too long, is too long, or breaks off.
        """
        end = time.monotonic() + self._timeout
        try:
            with self._client.stream("POST", self._address, json=body, headers=self._headers) as response:
                return Response(response.status_code, response.headers, self._content(response, end))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise TransientError(f"no connection ({str(error) or type(error).__name__})") from error
        except httpx.TimeoutException as error:
            raise LostAnswerError(f"no answer within {self._timeout:g} s") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise LostAnswerError(str(error) or type(error).__name__) from error

    def _content(self, response: httpx.Response, end: float) -> bytes:
        received = bytearray()
        # As they come: with a size, httpx holds them back until there are so many.
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > MAX_BYTES:
                raise LostAnswerError(f"an answer longer than {MAX_BYTES:,} bytes")
            # httpx limits each read alone, and a body may come one byte a minute for ever.
            if time.monotonic() > end:
                raise LostAnswerError(f"no answer within {self._timeout:g} s")
        return bytes(received)
