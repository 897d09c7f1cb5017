"""What is said about settings that are wrong: one line, under 500 characters, however many there are."""

import difflib
import reprlib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from resources.settings.yaml_reader import Content, Route

LONGEST_PATH = 140
"""Characters of a path that are shown, the last ones."""
LONGEST_SENTENCE = 330
"""Characters about all wrong settings together; with path and hint the line stays under 500."""
MOST_NAMED = 10
"""Known keys that are named where a key is unknown: of more, those spelled most like it, which leaves room for what
else is wrong."""

_VALUES = reprlib.Repr()
_VALUES.maxstring = _VALUES.maxother = _VALUES.maxlong = 60
_VALUES.maxlist = _VALUES.maxdict = _VALUES.maxlevel = 3

_OF_TEXT = ("string_", "path_type", "literal_error")
"""Kinds of errors of fields that want text."""


def shown_path(file: Path) -> str:
    """Return a path for a message: of a long one its end."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(file))
    return text if len(text) <= LONGEST_PATH else f"...{text[-LONGEST_PATH:]}"


def wrong_settings(error: ValidationError, content: Content, profile: type[BaseModel]) -> str:
    """Return which settings are wrong, why, and what to do.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    content : Content
        The file, which tells how a value is written there.
    profile : type
        The class whose fields are the settings.
    """
    found = _of_one_form(error, content.value or {})
    sentences: list[str] = []
    for one in found:
        sentence = _cut(_sentence(one, content, profile), LONGEST_SENTENCE)
        if sentences and len("; ".join([*sentences, sentence])) > LONGEST_SENTENCE:
            return f"{'; '.join(sentences)}; and {len(found) - len(sentences)} more"
        sentences.append(sentence)
    return "; ".join(sentences)


def _of_one_form(error: ValidationError, content: dict[str, Any]) -> list[Any]:
    """Return the errors; `filing_years` has two forms, and only what is wrong with the one that is there counts."""
    listed = not isinstance(content.get("filing_years"), dict)
    found = []
    for one in error.errors():
        setting, *form = one["loc"] or ("profile",)
        if setting == "filing_years" and form:
            if ("FilingYears" in str(form[0])) == listed:
                continue
            one["loc"] = (setting, *form[1:])  # pydantic names the form, too
        found.append(one)
    return found


def _sentence(error: Any, content: Content, profile: type[BaseModel]) -> str:
    route: Route = error["loc"]
    written = content.written.get(route)
    where = f"line {written.line}: " if written and route else ""
    where += _cut(".".join(str(part) for part in route) or "profile", 100)
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown key{_nearest(route, profile)}"
    message = error["msg"].removeprefix("Value error, ")
    if not route:
        return str(message)
    return (
        f"{where}: {message} (got {_VALUES.repr(error['input'])}){_quote_it(error, written.text if written else None)}"
    )


def _quote_it(error: Any, written: str | None) -> str:
    """Return the hint for what YAML does not read as text though it looks like it: ON, NO, 2004."""
    if written is None or isinstance(error["input"], str) or not error["type"].startswith(_OF_TEXT):
        return ""
    return f"; YAML does not read {_cut(written, 40)} as text: quote it, as '{_cut(written, 40)}'"


def _nearest(route: Route, profile: type[BaseModel]) -> str:
    section: Any = profile
    for part in (part for part in route[:-1] if isinstance(part, str)):
        kind = section.model_fields[part].annotation
        section = next(k for k in (*get_args(kind), kind) if isinstance(k, type) and issubclass(k, BaseModel))
    key, known = str(route[-1])[:60], list(section.model_fields)
    if near := difflib.get_close_matches(key, known, n=1):
        return f"; did you mean {near[0]!r}?"
    if len(known) <= MOST_NAMED:
        return f"; known keys: {', '.join(known)}"
    named = difflib.get_close_matches(key, known, n=MOST_NAMED, cutoff=0)
    return f"; known keys: {', '.join(named)} and {len(known) - len(named)} more"


def _cut(text: str, longest: int) -> str:
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
