"""YAML as profiles use it: read within limits, and with what was written beside each value.

Parsing is PyYAML's; the tree is built here, since PyYAML takes the last of two equal keys, and expands aliases without
end.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MOST_BYTES = 262_144
"""Of a file: some 40,000 tickers, which take PyYAML a few seconds."""
DEEPEST = 16
"""Levels of lists and mappings; a profile has four."""
MOST_VALUES = 50_000
"""Values once every alias is written out."""
LONGEST_TEXT = 10_000
"""Characters of one value."""
LONGEST_NUMBER = 40
"""Characters of a number, far beyond what a float can tell apart."""

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map")}
_MERGE = f"{_TAG}merge"
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

Route = tuple[str | int, ...]


class YamlError(ValueError):
    """A file is not YAML that is read here; the message is one line that names the line of the file."""


@dataclass(frozen=True)
class Written:
    """How a value stands in the file."""

    line: int
    """Counted from 1."""
    text: str | None = None
    """The characters of an unquoted scalar; None for all else."""


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    value: Any
    """Mappings with keys of text, lists, and scalars; None where there is nothing."""
    written: dict[Route, Written] = field(default_factory=dict)
    """How each value stands there, by the keys and places that lead to it."""


def read_yaml(file: Path) -> Content:
    """Read one YAML document.

    Dates stay text, since what a date is depends on the setting. The values of an alias count each time.

    Raises
    ------
    YamlError
        It is no YAML, is larger than the limits here, names a key twice, or has tags, several documents, keys that are
        not text, or bytes that are not UTF-8 or UTF-16.
    """
    with file.open("rb") as stream:
        raw = stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise YamlError(f"larger than {MOST_BYTES:,} bytes, which no profile is; is this the right file?")
    return _Builder(_events(_decoded(raw))).content()


def _decoded(raw: bytes) -> str:
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise YamlError(
            f"not valid YAML: line {line}: byte {raw[error.start]:#04x} is no text; save the file as UTF-8"
        ) from error


def _events(text: str) -> Iterator[Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        hint = "; indent with blanks, not tabs" if "'\\t'" in str(error.problem) else ""
        raise YamlError(f"not valid YAML: {where}{_on_one_line(str(error.problem))}{hint}") from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise YamlError(f"not valid YAML: line {line}: YAML has no character {chr(error.character)!r}") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # An escape beyond Unicode ends in an error of Python's own.
        raise YamlError(f"not valid YAML: {_on_one_line(str(error))}") from error


def _on_one_line(text: str) -> str:
    return " ".join(text.split())[:200]


class _Builder:
    """Builds values from events, within the limits."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._written: dict[Route, Written] = {}
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._count = 0
        self._constructor = yaml.SafeLoader("")
        self._resolve: Callable[..., str] = self._constructor.resolve

    def content(self) -> Content:
        value, documents = None, 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlError(f"line {_line(event)}: a second document begins; a profile is one")
                value = self._value(next(self._events), ())
        return Content(value, self._written)

    def _value(self, event: Any, route: Route) -> Any:
        """Return the value that begins with this event, and read to its end."""
        if len(route) > DEEPEST:
            raise YamlError(f"line {_line(event)}: more than {DEEPEST} levels, one in the other; a profile has four")
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if event.tag not in {None, "!"} and event.tag not in _PLAIN_TAGS:
            raise YamlError(f"line {_line(event)}: tag {event.tag[:60]!r} is not read here; leave it out")
        before = self._count
        self._add(1, event)
        if event.anchor:
            self._anchors[event.anchor] = None  # until it is complete, it cannot be in itself
        value = self._of_its_kind(event, route)
        if event.anchor:
            self._anchors[event.anchor] = value, self._count - before
        return value

    def _add(self, values: int, event: Event) -> None:
        self._count += values
        if self._count > MOST_VALUES:
            raise YamlError(f"line {_line(event)}: more than {MOST_VALUES:,} values, each alias written out")

    def _alias(self, event: Any) -> Any:
        known = self._anchors.get(event.anchor)
        if known is None:
            why = "stands inside what it names" if event.anchor in self._anchors else "names nothing above it"
            raise YamlError(f"line {_line(event)}: alias {event.anchor[:60]!r} {why}; write the value out")
        value, size = known
        self._add(size, event)
        return value

    def _of_its_kind(self, event: Any, route: Route) -> Any:
        if isinstance(event, ScalarEvent):
            self._written[route] = Written(_line(event), event.value if event.style is None else None)
            return self._scalar(event)
        self._written[route] = Written(_line(event))
        return self._list(route) if isinstance(event, SequenceStartEvent) else self._mapping(route)

    def _list(self, route: Route) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            values.append(self._value(event, (*route, len(values))))
        return values

    def _mapping(self, route: Route) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key, line = _key(event), _line(event)
            if key in lines:
                raise YamlError(
                    f"line {line}: {key[:80]!r} is given twice, first on line {lines[key]}; keep one of them"
                )
            lines[key] = line
            value = self._value(next(self._events), (*route, key))
            if key == "<<" and getattr(event, "style", None) is None:
                merged = _merged(value, line)
            else:
                values[key] = value
        return merged | values

    def _scalar(self, event: ScalarEvent) -> Any:
        """Return text, a number, a switch or None, as YAML 1.1 reads it; numbers that are not decimal are refused."""
        _check_text(event)
        tag = event.tag
        if tag is None:
            tag = self._resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag in {f"{_TAG}int", f"{_TAG}float"}:
            _check_number(event, tag)
        elif tag not in {f"{_TAG}bool", f"{_TAG}null"}:
            return event.value  # text, a date, and the signs = and << where they are values
        try:
            return self._constructor.construct_object(yaml.ScalarNode(tag, event.value))
        except (ValueError, LookupError, yaml.YAMLError) as error:
            raise YamlError(
                f"line {_line(event)}: {event.value[:60]!r} is not what its tag says; leave the tag out"
            ) from error


def _key(event: Any) -> str:
    """Return a key as it is written: `on` and `2004` are names here."""
    if not isinstance(event, ScalarEvent):
        kind = "an alias" if isinstance(event, AliasEvent) else "a list or a mapping"
        raise YamlError(f"line {_line(event)}: a key is {kind}; keys are names, and `{{x}}` as text needs quotes")
    if event.tag not in {None, "!", f"{_TAG}str"}:
        raise YamlError(f"line {_line(event)}: tag {event.tag[:60]!r} is not read here; leave it out")
    _check_text(event)
    return str(event.value)


def _merged(value: Any, line: int) -> dict[str, Any]:
    """Return what `<<` brings in; of several mappings the first counts, as the YAML of merge keys has it."""
    found: dict[str, Any] = {}
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            raise YamlError(f"line {line}: << takes the alias of a mapping; write the settings out instead")
        found = one | found
    return found


def _check_text(event: ScalarEvent) -> None:
    if len(event.value) > LONGEST_TEXT:
        raise YamlError(
            f"line {_line(event)}: a text of {len(event.value):,} characters; {LONGEST_TEXT:,} are the most"
        )
    if unfit := _UNFIT.search(event.value):
        raise YamlError(f"line {_line(event)}: the character {unfit[0]!r} is in a text; take it out")


def _check_number(event: ScalarEvent, tag: str) -> None:
    text = event.value
    if len(text) > LONGEST_NUMBER:
        raise YamlError(f"line {_line(event)}: a number of {len(text):,} characters; if it is text, quote it")
    whole = tag == f"{_TAG}int"
    if (whole and not _DECIMAL.fullmatch(text)) or ":" in text:
        raise YamlError(
            f"line {_line(event)}: YAML reads {text} as {_as_yaml(text)}; if it is text, quote it, as '{text}', "
            "else write the number out"
        )


def _as_yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except ValueError:  # `0x_` has no digits
        return "a number"


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
