"""The settings: one YAML file, validated before anything runs, unknown keys refused."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from resources.settings.activations import Activations
from resources.settings.as_of import AsOf
from resources.settings.backtest import Backtest
from resources.settings.clusters import Clusters
from resources.settings.corpus import Corpus
from resources.settings.descriptions import Descriptions
from resources.settings.embedder import Embedder
from resources.settings.explainer import Explainer
from resources.settings.features import Features, Labels
from resources.settings.filing_years import FilingYears
from resources.settings.groups import Groups
from resources.settings.model import Model
from resources.settings.paper import Paper
from resources.settings.passages import Passages, PassageSaes
from resources.settings.prices import Prices, Returns
from resources.settings.saes import Saes, Scores
from resources.settings.section import Months, Once, Section, Text, Year
from resources.settings.wrong_settings import shown_path, wrong_settings
from resources.settings.yaml_reader import YamlError, read_yaml


class ProfileError(ValueError):
    """A setting is wrong; the message says which, where, and what to do."""


def _folder_name(name: str) -> str:
    if len(name) > 100 or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ValueError("a name has up to 100 of a-z, 0-9, _ and -; rename the file, or give `name:`")
    return name


class Profile(Section):
    """Everything that can be set."""

    name: Annotated[str, AfterValidator(_folder_name)]
    """Name of the profile, and of its folder in the lake."""
    notice: str = ""
    """A sentence that every scoreboard, backtest and page of this profile carries."""
    tickers: Annotated[list[Text], Field(min_length=1), Once] | None = None
    """Only these companies; empty for all that the source has."""
    filing_years: Annotated[list[Year], Field(min_length=1), Once] | FilingYears = [2003, 2004]
    """Years in which filings were filed: a list, or the first one, and the last one unless it is the newest."""
    as_of: AsOf = AsOf()
    """When peer groups are formed."""
    max_filing_age_months: Months | None = 18
    """A filing older than this at the as-of date is not used; empty for no limit."""
    descriptions: Descriptions = Descriptions()
    """Where descriptions come from."""
    prices: Prices = Prices()
    """Where prices come from."""
    returns: Returns = Returns()
    """Which returns count."""
    model: Model = Model()
    """The language model that reads."""
    embedder: Embedder = Embedder()
    """The sentence-embedding baseline."""
    activations: Activations = Activations()
    """The activation cache."""
    passages: Passages = Passages()
    """The units in which a description is read."""
    corpus: Corpus = Corpus()
    """What sparse autoencoders are trained on."""
    groups: Groups = Groups()
    """Which blocks share one."""
    saes: Saes = Saes()
    """How they are trained."""
    passage_saes: PassageSaes = PassageSaes()
    """How those over passages are trained."""
    scores: Scores = Scores()
    """How they are scored."""
    features: Features = Features()
    """What describes a company."""
    labels: Labels = Labels()
    """How latents get their names."""
    explainer: Explainer = Explainer()
    """The language model that explains them, off by default."""
    clusters: Clusters = Clusters()
    """How companies are grouped."""
    backtest: Backtest = Backtest()
    """How pairs are traded."""
    paper: Paper = Paper()
    """The company-similarity paper as it was published, off by default."""

    @model_validator(mode="after")
    def _sums_for_the_paper(self) -> Self:
        settings = self.features
        if self.paper.enabled and (settings.pooling != "sum" or settings.views.tokens == 0):
            raise ValueError(
                "paper.enabled: the paper sums latents over tokens; set features.pooling to sum and give "
                "features.views.tokens a share, or set paper.enabled to false"
            )
        return self

    @property
    def years(self) -> list[int]:
        """Filing years in order; `resources.sources.close_years` makes a list of those without a last one.

        Raises
        ------
        ProfileError
            They have no last year.
        """
        span = self.filing_years
        if isinstance(span, list):
            return sorted(set(span))
        if span.last is None:
            raise ProfileError(f"profile {self.name}: filing_years: the last year depends on the day and on the source")
        return list(range(span.first, span.last + 1))

    @property
    def banner(self) -> str:
        """What a reader has to know before any number: the notice, and the look-ahead where there is one."""
        warning = (
            "LOOK-AHEAD: the texts are younger than the dates they are used at." if self.descriptions.look_ahead else ""
        )
        return " ".join(part for part in (warning, self.notice) if part)


def load_profile(file: Path) -> Profile:
    """Read and validate a profile.

    Raises
    ------
    ProfileError
        The file is missing, is not YAML, or holds an unknown key or a value out of range.
    """
    if not file.is_file():
        raise ProfileError(f"profile {shown_path(file)}: no such file; `peerlens profiles` lists the bundled ones")
    try:
        content = read_yaml(file)
    except OSError as error:
        raise ProfileError(f"profile {shown_path(file)}: cannot be read: {error.strerror}") from error
    except YamlError as error:
        raise ProfileError(f"profile {shown_path(file)}: {error}") from error
    settings = {} if content.value is None else content.value
    if not isinstance(settings, dict):
        raise ProfileError(f"profile {shown_path(file)}: expected settings, found {type(settings).__name__}")
    try:
        profile = Profile.model_validate({"name": file.stem, **settings})
    except ValidationError as error:
        raise ProfileError(f"profile {shown_path(file)}: {wrong_settings(error, content, Profile)}") from error
    return _anchored(profile, file.parent)


def _anchored(profile: Profile, folder: Path) -> Profile:
    """Expand environment variables in paths and make them absolute, relative to the profile's folder."""

    def anchored(section: Section) -> Section:
        changed: dict[str, Any] = {}
        for name, value in section:
            if isinstance(value, Section):
                changed[name] = anchored(value)
            elif isinstance(value, Path):
                # Path.expanduser raises for a user who is not there; os.path leaves `~nobody` as it is.
                changed[name] = folder / os.path.expanduser(os.path.expandvars(value))  # noqa: PTH111
            elif isinstance(value, list):
                changed[name] = [anchored(item) if isinstance(item, Section) else item for item in value]
        return section.model_copy(update=changed)

    return profile.model_copy(update=dict(anchored(profile)))
