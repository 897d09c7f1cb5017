"""What every section of a profile has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
Month = Annotated[str, Field(pattern=MONTH)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
WebAddress = Annotated[str, Field(pattern=r"^https?://[^/]+")]


class Section(BaseModel):
    """Part of a profile."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
