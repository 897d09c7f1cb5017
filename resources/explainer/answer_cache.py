"""Answers on disk, one small file each, named by the digest of what was asked."""

import json
from pathlib import Path

from resources.explainer.chat_answer import Answer
from resources.explainer.errors import EndpointError
from resources.lake.atomic_write import remove_stale_temporaries, write_atomically


class AnswerCache:
    """Answers under `root`; prompts are not kept, only their digests."""

    def __init__(self, root: Path) -> None:
        self._root = root
        remove_stale_temporaries(root / "tmp")

    def get(self, digest: str) -> Answer | None:
        """Return the answer to a question; None where it was never asked, or its file is damaged."""
        try:
            stored = json.loads(self._file(digest).read_bytes())
            text, tokens = stored["text"], stored["tokens"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return Answer(text, tokens) if isinstance(text, str) and isinstance(tokens, int) else None

    def put(self, digest: str, answer: Answer) -> None:
        """Store an answer. Raises EndpointError if it cannot be written: it would be paid for again."""
        content = json.dumps({"text": answer.text, "tokens": answer.tokens}).encode()
        try:
            write_atomically(self._file(digest), content, self._root / "tmp")
        except OSError as error:
            why = f"cannot write {self._file(digest)}: {error.strerror}"
            raise EndpointError(f"{why}; free some space there and run again") from error

    def _file(self, digest: str) -> Path:
        return self._root / "answers" / digest[:2] / f"{digest}.json"
