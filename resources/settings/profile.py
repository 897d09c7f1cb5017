"""The settings: one YAML file, validated before anything runs, unknown keys refused."""

import difflib
import os
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import Field, ValidationError

from resources.settings.activations import Activations
from resources.settings.as_of import AsOf
from resources.settings.backtest import Backtest
from resources.settings.clusters import Clusters
from resources.settings.corpus import Corpus
from resources.settings.descriptions import Descriptions
from resources.settings.embedder import Embedder
from resources.settings.features import Features, Labels
from resources.settings.filing_years import FilingYears, Year
from resources.settings.groups import Groups
from resources.settings.model import Model
from resources.settings.prices import Prices, Returns
from resources.settings.saes import Saes, Scores
from resources.settings.section import Positive, Section


class ProfileError(ValueError):
    """A setting is wrong; the message says which, where, and what to do."""


class Profile(Section):
    """Everything that can be set."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    """Name of the profile, and of its folder in the lake."""
    notice: str = ""
    """A sentence that every scoreboard, backtest and page of this profile carries."""
    tickers: list[str] | None = None
    """Only these companies; empty for all that the source has."""
    filing_years: Annotated[list[Year], Field(min_length=1)] | FilingYears = [2003, 2004]
    """Years in which filings were filed: a list, or the first one, and the last one unless it is the newest."""
    as_of: AsOf = AsOf()
    """When peer groups are formed."""
    max_filing_age_months: Positive | None = 18
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
    corpus: Corpus = Corpus()
    """What sparse autoencoders are trained on."""
    groups: Groups = Groups()
    """Which blocks share one."""
    saes: Saes = Saes()
    """How they are trained."""
    scores: Scores = Scores()
    """How they are scored."""
    features: Features = Features()
    """What describes a company."""
    labels: Labels = Labels()
    """How latents get their names."""
    clusters: Clusters = Clusters()
    """How companies are grouped."""
    backtest: Backtest = Backtest()
    """How pairs are traded."""

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
        raise ProfileError(f"profile {file}: no such file; `peerlens profiles` lists the bundled ones")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {file}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ProfileError(f"profile {file}: expected settings, found {type(content).__name__}")
    try:
        profile = Profile.model_validate({"name": file.stem, **content})
    except ValidationError as error:
        raise ProfileError(f"profile {file}: " + "; ".join(map(_sentence, _of_one_form(error, content)))) from error
    return _anchored(profile, file.parent)


def _of_one_form(error: ValidationError, content: dict[str, Any]) -> list[Any]:
    """Return the errors; `filing_years` has two forms, and only what is wrong with the one that is there counts."""
    listed = not isinstance(content.get("filing_years"), dict)
    found = []
    for one in error.errors():
        setting, *form = one["loc"] or ("profile",)
        if setting == "filing_years" and form:
            if str(form[0]).startswith("list") != listed:
                continue
            one["loc"] = (setting, *form[1:])  # pydantic names the form, too
        found.append(one)
    return found


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "profile"
    if error["type"] != "extra_forbidden":
        return (
            f"{where}: {error['msg'].removeprefix('Value error, ')} (got {error['input']!r})"
            if error["loc"]
            else error["msg"]
        )
    section: Any = Profile
    for part in (part for part in error["loc"][:-1] if isinstance(part, str)):
        kind = section.model_fields[part].annotation
        section = next(k for k in (*get_args(kind), kind) if isinstance(k, type) and issubclass(k, Section))
    near = difflib.get_close_matches(str(error["loc"][-1]), section.model_fields, n=1)
    return f"{where}: unknown key" + (
        f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(section.model_fields)}"
    )


def _anchored(profile: Profile, folder: Path) -> Profile:
    """Expand environment variables in paths and make them absolute, relative to the profile's folder."""

    def anchored(section: Section) -> Section:
        changed: dict[str, Any] = {}
        for name, value in section:
            if isinstance(value, Section):
                changed[name] = anchored(value)
            elif isinstance(value, Path):
                changed[name] = folder / Path(os.path.expandvars(value)).expanduser()
            elif isinstance(value, list):
                changed[name] = [anchored(item) if isinstance(item, Section) else item for item in value]
        return section.model_copy(update=changed)

    return profile.model_copy(update=dict(anchored(profile)))
