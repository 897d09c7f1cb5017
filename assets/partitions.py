"""Which partitions a profile wants, and which dates of its inputs each of them may see."""

from datetime import date, timedelta

from resources.lake.recipe import DateWindow, Reads
from resources.settings.profile import Profile


def month_end(month: str) -> date:
    """Return the last day of '2004-12'."""
    return months_later(month, 0)


def months_later(month: str, count: int) -> date:
    """Return the last day of the month `count` months after '2004-12'; count may be negative."""
    index = int(month[:4]) * 12 + int(month[5:7]) + count
    return date(index // 12, index % 12 + 1, 1) - timedelta(days=1)


def month_name(day: date) -> str:
    """Return '2004-12' of a day."""
    return day.strftime("%Y-%m")


def as_of_keys(profile: Profile, today: date) -> tuple[str, ...]:
    """Return the as-of months of the profile; without a last one, up to the last complete month of the calendar."""
    last = profile.as_of.last or month_name(today.replace(day=1) - timedelta(days=1))
    keys, month = [], profile.as_of.first
    while month <= last:
        keys.append(month)
        month = month_name(months_later(month, profile.as_of.every_months))
    return tuple(keys)


def filing_year_keys(profile: Profile) -> tuple[str, ...]:
    """Return the filing years of a profile that has a list of them, or a last one."""
    return tuple(str(year) for year in profile.years)


def months_around(before: str | None, after: str | None = None) -> Reads:
    """Return which months an as-of date sees: `before` and `after` name settings that count months on either side.

    With `before` None nothing up to the as-of date is seen; with `after` None nothing after it.
    """

    def reads(profile: Profile, partition: str | None) -> DateWindow:
        assert partition is not None
        start = -_setting(profile, before) if before else 0
        return DateWindow(
            months_later(partition, start), months_later(partition, _setting(profile, after) if after else 0)
        )

    return reads


def _setting(profile: Profile, name: str) -> int:
    section, key = name.split(".")
    return int(getattr(getattr(profile, section), key))


def as_of_window(after: str, before: str | None = None) -> Reads:
    """Return which months a book over all as-of dates needs: from two before the first to `after` past the last.

    `after` names a setting that counts months, and so does `before`, where more than two months are needed.
    """

    def reads(profile: Profile, partition: str | None) -> DateWindow:
        last = profile.as_of.last
        until = months_later(last, _setting(profile, after)) if last else None
        months = max(2, _setting(profile, before) if before else 0)
        return DateWindow(months_later(profile.as_of.first, -months), until)

    return reads
