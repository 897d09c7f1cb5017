"""The settings as an asset sees them: those that it declares."""

from collections.abc import Collection
from typing import Any, NoReturn, cast

from resources.settings.profile import Profile
from resources.settings.section import Section


class UndeclaredReadError(RuntimeError):
    """An asset uses an input or setting that it does not declare, so its recipe would miss a change of it."""


def guarded(profile: Profile, declared: Collection[str], asset: str) -> Profile:
    """Return the profile as an asset may read it.

    A section that it declares whole is the section itself. Of any other there are only the settings that it declares,
    to be read by name: such a section cannot be compared, hashed or listed.

    Parameters
    ----------
    profile : Profile
        All settings.
    declared : collection of str
        Dotted names of sections and settings.
    asset : str
        Who reads, for the message.
    """
    return cast("Profile", _Guarded(profile, frozenset(declared), asset))


class _Guarded:
    """A section of which only some settings may be read; any other raises UndeclaredReadError."""

    def __init__(self, section: Section, declared: frozenset[str], asset: str, above: str = "") -> None:
        vars(self).update(_section=section, _declared=declared, _asset=asset, _above=above)

    def __getattr__(self, name: str) -> Any:
        kind = type(self._section)
        if name not in kind.model_fields:
            computed = getattr(kind, name, None)
            if not isinstance(computed, property) or computed.fget is None or name.startswith("model_"):
                raise self._refusal(name)
            return computed.fget(self)  # such as `banner`: it may read what the asset may read
        dotted, value = f"{self._above}{name}", getattr(self._section, name)
        if any(dotted == one or dotted.startswith(f"{one}.") for one in self._declared):
            return value
        if isinstance(value, Section) and any(one.startswith(f"{dotted}.") for one in self._declared):
            return _Guarded(value, self._declared, self._asset, f"{dotted}.")
        raise UndeclaredReadError(
            f"{self._asset} reads the setting {dotted} without declaring it: name it in the asset's `config`, or in "
            "`runs_with` where it changes nothing that is stored"
        )

    def _refusal(self, what: str) -> UndeclaredReadError:
        where = self._above.rstrip(".") or "the profile"
        return UndeclaredReadError(f"{self._asset} uses {what} of {where}, of which it declares only some settings")

    def __setattr__(self, name: str, value: object) -> None:
        raise self._refusal("assignment")

    def __eq__(self, other: object) -> bool:
        raise self._refusal("comparison")

    def __hash__(self) -> int:
        raise self._refusal("the hash")

    def __iter__(self) -> NoReturn:
        raise self._refusal("iteration")

    def __repr__(self) -> str:
        return f"<settings of {self._asset}: {', '.join(sorted(self._declared)) or 'none'}>"
