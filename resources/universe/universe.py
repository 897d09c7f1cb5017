"""Who exists, what they are called and what they filed, wherever a profile takes it from."""

from pathlib import Path

from resources.settings.profile import Profile
from resources.universe.corpus_source import READERS, CorpusUniverse
from resources.universe.edgar_source import EdgarUniverse
from resources.universe.table_source import TableUniverse

Universe = TableUniverse | EdgarUniverse
"""`companies`, `listed` tickers and filings; its `*_now` are digests of what the outside world has, for the planner."""


def open_universe(profile: Profile, home: Path) -> Universe:
    """The universe that a profile names; `home` is where downloads are kept."""
    source = profile.descriptions.source
    if source == "edgar":
        return EdgarUniverse(profile, home)
    return CorpusUniverse(profile, home) if source in READERS else TableUniverse(profile)
