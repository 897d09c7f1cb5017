"""The outside world of a lake: companies, prices and models, and where on this machine they are kept."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from resources.settings.explainer import Explainer
from resources.settings.prices import Prices
from resources.settings.profile import Profile, ProfileError

if TYPE_CHECKING:
    from resources.explainer.client import ChatClient
    from resources.market import Market
    from resources.universe import Universe


HOME_FOLDERS = ("models", "hub", "yahoo", "edgar", "dagster", "tables", "explainer")
"""Folders of PEERLENS_HOME that belong to no profile, so that no profile can be called like one."""


@dataclass(frozen=True)
class Sources:
    """What stages ask of the outside world; whoever opens a lake has it, so nobody asks the environment for a home.

    Imports are inside: a stage that is only declared needs no HTTP client.
    """

    home: Path
    """PEERLENS_HOME: downloads are kept here, beside the lakes, for all profiles."""

    @property
    def models(self) -> Path:
        """Folder of converted models."""
        return self.home / "models"

    def universe(self, profile: Profile) -> "Universe":
        """Open the companies that a profile names."""
        from resources.universe import SOURCES

        return SOURCES[profile.descriptions.source](profile, self.home)

    def market(self, settings: Prices) -> "Market":
        """Open the prices that a profile names."""
        from resources.market import FileMarket, YahooMarket

        return (
            YahooMarket(settings.yahoo, self.home / "yahoo") if settings.source == "yfinance" else FileMarket(settings)
        )

    def explainer(self, settings: Explainer) -> "ChatClient | None":
        """Open the language model that explains latents; None where it is off.

        Raises
        ------
        EndpointError
            The environment variable that should hold its key does not.
        """
        from resources.explainer.client import ChatClient

        return ChatClient(settings, self.home / "explainer") if settings.url else None

    def forget(self, profile: Profile) -> None:
        """Have companies and price histories asked for again; what was downloaded is kept."""
        from resources.market import YahooMarket

        self.universe(profile).forget()
        YahooMarket(profile.prices.yahoo, self.home / "yahoo").forget()


def close_years(profile: Profile, today: date) -> Profile:
    """Return the profile with a list of filing years: one without a last year goes to the newest that the source has.

    Raises
    ------
    ProfileError
        The source does not say which years it has, or has none so late.
    """
    span = profile.filing_years
    if isinstance(span, list) or span.last is not None:
        return profile
    from resources.universe import SOURCES

    years = SOURCES[profile.descriptions.source].years_since(span.first, profile, today)
    if not years:
        raise ProfileError(f"profile {profile.name}: filing_years.first: no filing in {span.first} or later")
    return profile.model_copy(update={"filing_years": years})
