"""A fake that is served over real HTTP as long as it is entered."""

import threading
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Serving:
    """Context manager: serves in threads of its own until it is left, at `url`."""

    def __init__(self, http: ThreadingHTTPServer) -> None:
        self._http = http
        self.url = f"http://127.0.0.1:{http.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
