"""Settings of the dates at which peer groups are formed."""

from resources.settings.section import Month, Positive, Section


class AsOf(Section):
    """The dates at which peer groups are formed: month-ends, `every_months` apart, from `first` to `last`."""

    first: Month = "2004-12"
    """First as-of month."""
    last: Month | None = "2011-12"
    """Last as-of month; leave empty for the last complete month of the calendar."""
    every_months: Positive = 12
    """Months between as-of dates."""
