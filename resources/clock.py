"""What day it is: here, and in UTC; and what time."""

from datetime import UTC, date, datetime


def local_day() -> date:
    """Return the day where this machine stands, by which months are counted as over."""
    return datetime.now().astimezone().date()


def utc_day() -> date:
    """Return the day in UTC, the same on every machine: by it EDGAR's lists count as old."""
    return datetime.now(UTC).date()


def utc_now() -> datetime:
    """Return the time in UTC, by which runs count as old."""
    return datetime.now(UTC)
