"""Settings of the years in which filings were filed."""

from typing import Self

from pydantic import model_validator

from resources.settings.section import Section, Year


class FilingYears(Section):
    """Years of filing from `first` to `last`, in place of a list of years."""

    first: Year
    """First year of filing."""
    last: Year | None = None
    """Last year of filing; leave empty for the newest that the source has."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"last {self.last} is before first {self.first}")
        return self
