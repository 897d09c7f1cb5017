"""What is checked before anything runs, so that a wrong setting costs a second and not an hour."""

from datetime import date, timedelta
from pathlib import Path
from typing import get_args

import numpy as np

from assets.clusters.given_files import figures_of
from assets.clusters.leiden import LeidenMissingError, check_leiden
from assets.clusters.paper.asked import bert_now
from assets.clusters.paper.umap_here import UmapMissingError, check_umap
from assets.partitions import as_of_keys, month_end, month_name, months_later
from assets.prices.returns import GRACE_DAYS
from resources.compute.devices import DTypeError, devices
from resources.lake.lake import Lake
from resources.market import Market, PriceError
from resources.models.bert_cls import bert_identity
from resources.models.embedder import embedder_identity
from resources.models.limits import ModelLimitError, check_blocks, check_latents, check_model
from resources.models.weight_files import ModelNotFoundError
from resources.settings.backtest import Backtest, fewest_days
from resources.settings.clusters import FEWEST_MONTHS, SimilarityMethod
from resources.settings.profile import Profile, ProfileError
from resources.sources import close_years

NARROWEST = 64
"""Dimensions that any model to be read has; only a `saes.k` beyond them needs a look at the model's own."""


def preflight(profile: Profile, lake: Lake, today: date) -> None:
    """Check settings against the data and the models that are there; writes nothing but the model's remembered hash.

    Raises
    ------
    ProfileError
        A ticker, column, file or model is not there, or a date lies outside the data.
    LakeError
        The lake cannot be written to.
    """
    profile = close_years(profile, today)
    universe = lake.sources.universe(profile)
    first = universe.preflight(today)
    _blocks(profile)
    _paper(profile)
    _methods(profile)
    try:
        market = lake.sources.market(profile.prices)
        _dates(profile, market, first, today)
        if universe.at_hand and profile.prices.source != "yfinance":
            market.quotes(universe.listed["ticker"])
        embedder_identity(profile.embedder)
        lake.writable()
        _model(profile, lake.models)
    except (DTypeError, ModelLimitError, ModelNotFoundError, PriceError) as error:
        raise ProfileError(f"profile {profile.name}: {error}") from error


def _paper(profile: Profile) -> None:
    """Check that what the paper's clusters of embeddings need is here: UMAP, and the encoder of method bert."""
    if not profile.paper.enabled or not {"sbert", "bert"} & set(profile.paper.methods):
        return
    try:
        check_umap()
    except UmapMissingError as error:
        raise ProfileError(f"profile {profile.name}: {error}") from error
    bert_now(profile)


def _methods(profile: Profile) -> None:
    """Check what linkages, methods and scores of peers need besides: leidenalg, an encoder, figures of fiscal years."""
    try:
        if profile.clusters.linkage == "leiden":
            check_leiden()
        if profile.clusters.bert is not None:
            bert_identity(profile.clusters.bert, "clusters.bert")
        figures_of(profile.clusters, ())
    except (LeidenMissingError, ModelNotFoundError) as error:
        raise ProfileError(f"profile {profile.name}: {error}") from error


def _model(profile: Profile, models: Path) -> None:
    """Check that the language model is there, fits its settings, and has the blocks that are asked for."""
    check_model(profile.model, models)
    if profile.model.dtype == "bfloat16":
        devices(profile.model.dtype)
    check_blocks(profile.model, models, profile.activations.blocks or [], "activations.blocks")
    check_blocks(profile.model, models, profile.features.blocks, "features.blocks")
    check_blocks(profile.model, models, profile.passages.blocks, "passages.blocks")
    if profile.saes.k > NARROWEST * profile.saes.expansion:
        check_latents(profile.model, models, profile.saes.expansion, profile.saes.k)


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
    _months_before(profile, first, last, keys[0])
    _days_before(profile, first, last, keys[0])
    if keys[0] < month_name(filed):
        raise ProfileError(f"profile {profile.name}: as_of.first: {keys[0]} is before the first filing, {filed}")
    if keys[0] < month_name(profile.corpus.cutoff):
        raise ProfileError(
            f"profile {profile.name}: corpus.cutoff: {profile.corpus.cutoff} is after the first as-of month {keys[0]}, "
            "so autoencoders would have read later filings; move one of them"
        )


def _months_before(profile: Profile, first: date, last: date, as_of: str) -> None:
    """Refuse a first as-of month that leaves too few months of returns to choose theta on.

    A return needs a price in its month and one in the month before, so the first month with prices has none, and the
    last has none before it is over. That some companies lack some of the months can happen at any date, and no more
    can be told before prices are read.
    """
    by_theta = profile.clusters.cut == "theta"
    if not by_theta or not set(profile.clusters.methods) & set(get_args(SimilarityMethod)):
        return
    over = months_later(month_name(last + timedelta(days=GRACE_DAYS + 1)), -1)
    until = min(over, month_end(as_of))
    months = max((until.year - first.year) * 12 + until.month - first.month, 0)
    if months < FEWEST_MONTHS:
        raise ProfileError(
            f"profile {profile.name}: as_of.first: {as_of} has {months} month{'s' * (months != 1)} of returns up to "
            f"it, as prices run from {first} to {last}; groups need at least {FEWEST_MONTHS} for a theta "
            f"(clusters.train_months asks for {profile.clusters.train_months}); set as_of.first to "
            f"{month_name(months_later(month_name(first), FEWEST_MONTHS))} or later, or give more prices"
        )


def _days_before(profile: Profile, first: date, last: date, as_of: str) -> None:
    """Refuse a first as-of month whose formation window cannot hold the days that the test of a pair needs.

    Weekdays are counted: holidays make it fewer, never more.
    """
    settings, needed = profile.backtest, fewest_days(profile.backtest.lags)
    begins = max(first, months_later(as_of, -settings.formation_months) + timedelta(days=1))
    days = int(np.busday_count(begins, min(last, month_end(as_of)) + timedelta(days=1)))
    if days < needed:
        raise ProfileError(
            f"profile {profile.name}: as_of.first: {as_of} has at most {days} trading days in the "
            f"{settings.formation_months} months before it (prices begin on {first}); to test pairs with "
            f"{_lag_setting(settings)} takes {needed}; move as_of.first, lengthen "
            "backtest.formation_months, or set backtest.autolag to fixed with fewer backtest.adf_lags"
        )


def _lag_setting(settings: Backtest) -> str:
    fixed = settings.autolag == "fixed"
    return f"backtest.adf_lags {settings.adf_lags}" if fixed else f"backtest.autolag {settings.autolag}"


def _blocks(profile: Profile) -> None:
    harvested = profile.activations.blocks
    for section, wanted in (("features", profile.features.blocks), ("passages", profile.passages.blocks)):
        if harvested is not None and (absent := sorted(set(wanted) - set(harvested))):
            raise ProfileError(
                f"profile {profile.name}: {section}.blocks: {absent[0]} is not in activations.blocks {harvested}"
            )
