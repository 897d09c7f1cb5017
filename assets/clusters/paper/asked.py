"""[paper] What `paper_clusters` sees and depends on: nothing, unless the profile asks for the paper."""

from datetime import date
from importlib.metadata import PackageNotFoundError, version

from resources.lake.digests import digest_of
from resources.lake.recipe import DateWindow, Slices
from resources.settings.profile import Profile
from resources.sources import Sources

NOTHING = DateWindow(date.min, date.min)
"""A window without a day: other profiles' lakes make the empty tables once, and not again for a new filing."""


def where_paper(profile: Profile, partition: str | None) -> DateWindow:
    """Return the window without bounds where the profile asks for the paper, else one that shows nothing."""
    return DateWindow() if profile.paper.enabled else NOTHING


def has_own_returns(profile: Profile) -> bool:
    """Return whether returns come with the texts: the authors' set has its own table of them."""
    return profile.descriptions.source == "authors"


def paper_inputs_now(profile: Profile, partition: str | None, sources: Sources) -> Slices:
    """Return what the paper's clusters depend on beside tables and `paper`, where the profile asks for them.

    That is which returns count, the authors' file of them, the encoder of method bert, and the version of UMAP. It is
    no part of the settings in the recipe, or another profile's empty tables would be made again for each of them.
    """
    if not profile.paper.enabled:
        return {}
    counted = {"returns": digest_of([profile.descriptions.source, *sorted(profile.returns.exclude)])}
    return counted | authors_returns_now(profile, sources) | bert_now(profile) | umap_now(profile)


def authors_returns_now(profile: Profile, sources: Sources) -> Slices:
    """Return the digest of the authors' files, which hold the returns."""
    if not has_own_returns(profile):
        return {}
    from resources.universe.corpora import corpus_fingerprint  # noqa: PLC0415  only a plan of this profile needs it

    files = corpus_fingerprint(profile.descriptions, profile.years, sources.home / "hub")[""]
    return {"authors": digest_of([files, profile.years])}


def bert_now(profile: Profile) -> Slices:
    """Return the digest of the encoder of method bert, where it is asked for.

    Raises
    ------
    ProfileError
        No folder is given, or no encoder is in it.
    """
    from resources.models.bert_cls import bert_identity  # noqa: PLC0415
    from resources.models.weight_files import ModelNotFoundError  # noqa: PLC0415
    from resources.settings.profile import ProfileError  # noqa: PLC0415

    settings = profile.paper
    if "bert" not in settings.methods:
        return {}
    if settings.bert is None:
        raise ProfileError("paper.bert: method bert needs the folder of an encoder; give one, or leave bert out")
    try:
        return {"bert": bert_identity(settings.bert, "paper.bert")}
    except ModelNotFoundError as error:
        raise ProfileError(str(error)) from error


def umap_now(profile: Profile) -> Slices:
    """Return UMAP's version, where a method that reduces embeddings is asked for; `absent` where it is not here."""
    settings = profile.paper
    if not {"sbert", "bert"} & set(settings.methods):
        return {}
    try:
        return {"umap": version("umap-learn")}
    except PackageNotFoundError:
        return {"umap": "absent"}
