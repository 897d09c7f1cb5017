"""Settings of the dates at which peer groups are formed."""

from typing import Self

from pydantic import model_validator

from resources.settings.section import Month, Months, Section


class AsOf(Section):
    """The dates at which peer groups are formed: month-ends, `every_months` apart, from `first` to `last`."""

    first: Month = "2004-12"
    """First as-of month."""
    last: Month | None = "2011-12"
    """Last as-of month; leave empty for the last complete month of the calendar."""
    every_months: Months = 12
    """Months between as-of dates."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"first {self.first} is after last, {self.last}")
        return self
