"""Whether the newest as-of date has filings that it may use: what a schedule that runs by itself has to say aloud."""

from contextlib import suppress

import polars as pl

from assets.known_at import filings_known
from assets.partitions import month_end
from resources.lake.lake import Lake
from resources.lake.recipe import DateWindow, Graph
from resources.settings.profile import ProfileError
from resources.universe import SOURCES


def filing_warnings(graph: Graph, lake: Lake) -> list[str]:
    """Return a sentence where every filing is too old for the newest as-of date, and one where newer ones are left out.

    Nothing is said of a lake without filings, or of a profile without as-of dates.
    """
    months = graph.keys["as_of"]
    days = _days_of_filing(graph, lake) if months else pl.Series(dtype=pl.Date)
    return [*_too_old(graph, days, months[-1]), *_left_out(graph, months[-1])] if days.len() else []


def _days_of_filing(graph: Graph, lake: Lake) -> pl.Series:
    made = (lake.manifest("filings", year) for year in graph.partitions("filings"))
    files = [file for known in made if known for file in lake.table_files(known, "filings")]
    days = [pl.read_parquet(file, columns=["filed_at"], glob=False)["filed_at"] for file in files]
    return pl.concat(days) if days else pl.Series(dtype=pl.Date)


def _too_old(graph: Graph, days: pl.Series, month: str) -> list[str]:
    window: DateWindow = filings_known(graph.profile, month)
    known = days.filter(days <= month_end(month))
    if window.after is None or known.filter(known > window.after).len():
        return []
    newest = f"the newest one is of {known.sort()[-1]}" if known.len() else "all are newer"
    return [
        f"no filing describes a company in {month}: {newest}, and max_filing_age_months is "
        f"{graph.profile.max_filing_age_months}; "
        "bring newer filings in, or have filing_years go on"
    ]


def _left_out(graph: Graph, month: str) -> list[str]:
    profile, last = graph.profile, graph.profile.years[-1]
    if profile.descriptions.source == "sample":
        return []  # nothing is ever filed in it: whoever leaves a year out means to
    with suppress(ProfileError):  # a source that does not tell its years does not grow
        if newer := SOURCES[profile.descriptions.source].years_since(last + 1, profile, month_end(month)):
            years = ", ".join(map(str, newer))
            return [
                f"filings of {years} are left out in {month}, because filing_years ends with {last}; "
                f"`filing_years: {{first: {profile.years[0]}, last: null}}` goes to the newest"
            ]
    return []
