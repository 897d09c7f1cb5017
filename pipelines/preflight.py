"""What is checked before anything runs, so that a wrong setting costs a second and not an hour."""

from datetime import date

from assets.partitions import as_of_keys, month_name
from resources.compute.devices import DTypeError, devices
from resources.edgar import EdgarIdentityError, identity
from resources.lake.lake import Lake
from resources.market import Market, PriceError, open_market
from resources.models.embedder import embedder_identity
from resources.models.limits import ModelLimitError, check_blocks, check_model
from resources.models.weight_files import ModelNotFoundError
from resources.settings.profile import Profile, ProfileError
from resources.universe.edgar_source import EdgarUniverse, named_companies
from resources.universe.table_source import TableUniverse
from resources.universe.universe import open_universe

FIRST_YEAR = 1993
TABLES = ("sample", "parquet")
"""Sources whose tickers are known in an instant, so that every price can be looked at before anything runs."""


def preflight(profile: Profile, lake: Lake, today: date) -> None:
    """Check settings against the data and the models that are there; writes nothing but the model's remembered hash.

    Raises
    ------
    ProfileError
        A ticker, column, file or model is not there, or a date lies outside the data.
    LakeError
        The lake cannot be written to.
    """
    universe = open_universe(profile, lake.home)
    if isinstance(universe, EdgarUniverse):
        preflight_edgar(profile, today)
        first = date(min(profile.filing_years), 1, 1)
    else:
        first = _first_filing(profile, universe)
    _blocks(profile)
    try:
        market = open_market(profile.prices, lake.home)
        _dates(profile, market, first, today)
        if profile.descriptions.source in TABLES and profile.prices.source != "yfinance":
            market.quotes(universe.listed["ticker"])
        embedder_identity(profile.embedder)
        lake.writable()
        check_model(profile.model, lake.models)
        if profile.model.dtype == "bfloat16":
            devices(profile.model.dtype)
        for setting, blocks in _asked_blocks(profile):
            check_blocks(profile.model, lake.models, blocks, setting)
    except (DTypeError, ModelLimitError, ModelNotFoundError, PriceError) as error:
        raise ProfileError(f"profile {profile.name}: {error}") from error


def preflight_edgar(profile: Profile, today: date) -> None:
    """Check what EDGAR will be asked, without asking it.

    Raises
    ------
    ProfileError
        Nobody says who asks, the list of companies cannot be read, or a year is before EDGAR or in the future.
    """
    try:
        identity(profile.descriptions.edgar)
    except EdgarIdentityError as error:
        raise ProfileError(f"profile {profile.name}: {error}") from error
    for year in profile.filing_years:
        if not FIRST_YEAR <= year <= today.year:
            known = f"{FIRST_YEAR} to {today.year}"
            raise ProfileError(f"profile {profile.name}: filing_years: EDGAR has filings of {known}, not of {year}")
    named_companies(profile)


def _first_filing(profile: Profile, universe: TableUniverse) -> date:
    """Day of the first filing of a source that is a table."""
    years = universe.years()
    for year in profile.filing_years:
        if year not in years:
            raise ProfileError(
                f"profile {profile.name}: filing_years: no filing of {year}; "
                f"the source has {', '.join(map(str, years))}"
            )
    first = universe.first_day()
    if profile.corpus.cutoff < first:
        raise ProfileError(
            f"profile {profile.name}: corpus.cutoff: {profile.corpus.cutoff} is before the first filing, {first}"
        )
    return first


def _dates(profile: Profile, market: Market, filed: date, today: date) -> None:
    first, last = market.span()
    keys = as_of_keys(profile, today)
    if not keys:
        last_wanted = profile.as_of.last or f"the last complete month before {today}"
        raise ProfileError(f"profile {profile.name}: as_of: first {profile.as_of.first} is after last, {last_wanted}")
    if keys[-1] > month_name(last):
        raise ProfileError(f"profile {profile.name}: as_of.last: {keys[-1]} is after the last price, {last}")
    if keys[0] <= month_name(first):
        raise ProfileError(f"profile {profile.name}: as_of.first: {keys[0]} is not after the first price, {first}")
    if keys[0] < month_name(filed):
        raise ProfileError(f"profile {profile.name}: as_of.first: {keys[0]} is before the first filing, {filed}")
    if keys[0] < month_name(profile.corpus.cutoff):
        raise ProfileError(
            f"profile {profile.name}: corpus.cutoff: {profile.corpus.cutoff} is after the first as-of month {keys[0]}, "
            "so autoencoders would have read later filings; move one of them"
        )


def _asked_blocks(profile: Profile) -> list[tuple[str, list[int]]]:
    return [("activations.blocks", profile.activations.blocks or []), ("features.blocks", profile.features.blocks)]


def _blocks(profile: Profile) -> None:
    harvested = profile.activations.blocks
    if harvested is not None and (absent := sorted(set(profile.features.blocks) - set(harvested))):
        raise ProfileError(
            f"profile {profile.name}: features.blocks: {absent[0]} is not in activations.blocks {harvested}"
        )
