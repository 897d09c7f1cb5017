"""Settings of the language model that explains latents, and scores its own explanations."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from resources.settings.section import Real, Section, Text, WebAddress, Whole


class Explainer(Section):
    """A language model behind an OpenAI-compatible endpoint; off by default."""

    url: WebAddress | None = None
    """Address before `/chat/completions`, as https://api.openai.com/v1; empty: nothing is explained, or sent."""
    model: Text | None = None
    """What the endpoint calls the model."""
    key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")] | None = "PEERLENS_EXPLAINER_KEY"
    """Environment variable that holds the key, which never stands in a profile; empty for an endpoint without one."""
    max_tokens: Annotated[Whole, Field(gt=0, le=10**10)] = 200_000
    """Tokens of all prompts and answers; the most important latents are explained, as many as that is enough for."""
    answer_tokens: Annotated[Whole, Field(ge=16, le=100_000)] = 100
    """Most tokens of one answer; a model that reasons first needs some thousands."""
    requests_per_second: Annotated[Real, Field(ge=0.01, le=10)] = 2
    """Over all processes on this machine."""
    timeout: Annotated[Real, Field(gt=0, le=3600)] = 60
    """Seconds for one answer."""
    temperature: Annotated[Real, Field(ge=0, le=2)] | None = 0.0
    """0 for the likeliest answer; empty for a model that takes none."""
    examples: Annotated[Whole, Field(ge=1, le=100)] = 10
    """Windows of text that the explainer is shown per latent."""
    scored: Annotated[Whole, Field(ge=5, le=1000)] = 10
    """Active windows that an explanation is scored on, and as many inactive ones."""
    fuzzing: bool = True
    """Whether the scorer is also asked which marked words are the right ones; about 2/5 of the cost."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url is None:
            return self
        if self.model is None:
            raise ValueError("url is set and model is not; name a model that the endpoint has")
        try:
            parts = urlsplit(self.url)
        except ValueError as error:
            raise ValueError(f"url is no address: {error}") from error
        if "@" in parts.netloc:
            raise ValueError("url holds a user or a key; put the key into the environment variable of key_variable")
        return self
