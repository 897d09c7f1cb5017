"""The one rule for what is known at an as-of date: a company is described by its newest filing in the window.

A filing whose text is in doubt is none, so an older one that is not in doubt describes the company; nor is one that no
view describes, as an empty text. One that a single view describes is the newest all the same. The newest is the
one with the greatest `filed_at`, among several of one day the one with the greatest accession number. Rows that an
asset reads through `filings_known` are what the date sees; `newest_filings` picks among them.
"""

from typing import get_args

import polars as pl

from assets.partitions import month_end, months_later
from resources.lake.recipe import DateWindow
from resources.settings.features import Quality
from resources.settings.profile import Profile

QUALITIES: tuple[Quality, ...] = get_args(Quality)
"""What a text may be rated, the best first."""


def filings_known(profile: Profile, partition: str | None) -> DateWindow:
    """Return the days of filing that an as-of date sees: up to it, and not older than the profile's age limit."""
    assert partition is not None
    age = profile.max_filing_age_months
    return DateWindow(months_later(partition, -age) if age else None, month_end(partition))


def newest_filings(rows: pl.DataFrame, in_doubt: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the rows of the newest filing of every company that is not in doubt, in the order they came.

    Parameters
    ----------
    rows : DataFrame
        Columns company_id, filed_at and accession, maybe several rows a filing; only what the as-of date sees.
    in_doubt : DataFrame, optional
        Rows of `filings_in_doubt`.
    """
    if in_doubt is not None:
        rows = rows.join(in_doubt, on="accession", how="anti", maintain_order="left")
    last = rows.select("company_id", "filed_at", "accession").unique().sort("filed_at", "accession")
    last = last.unique("company_id", keep="last", maintain_order=True)
    return rows.join(last, on=["company_id", "accession"], how="semi", maintain_order="left")


def filings_in_doubt(descriptions: pl.DataFrame, min_quality: Quality) -> pl.DataFrame:
    """Return company_id and accession of the filings whose text is rated below the least quality that is asked for.

    Parameters
    ----------
    descriptions : DataFrame
        Columns company_id, accession and quality.
    min_quality : str
        The least quality of a text that describes a company.
    """
    accepted = QUALITIES[: QUALITIES.index(min_quality) + 1]
    return descriptions.filter(~pl.col("quality").is_in(accepted)).select("company_id", "accession")
