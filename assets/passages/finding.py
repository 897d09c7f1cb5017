"""Rows of `passages`: where the passages of each text are, how many tokens they have, and what kind they are."""

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from assets import schemas
from assets.passages.kinds import kind_of
from assets.passages.splitting import Span, passage_spans
from assets.passages.token_ranges import token_ranges
from resources.models.tokens import Tokens


def find_passages(
    filings: pl.DataFrame,
    tokenize: Callable[[str], Tokens],
    most: int,
    progress: Callable[[int], None] = lambda n: None,
) -> pl.DataFrame:
    """Return rows of `passages` of some filings, each by its own text alone; a blank text has none.

    Parameters
    ----------
    filings : DataFrame
        Columns accession, company_id, filed_at and text.
    tokenize : callable
        The language model's tokenizer.
    most : int
        Passages of a filing; what comes after them is not read.
    progress : callable
        Advances by filings.
    """
    rows = list[dict[str, Any]]()
    for filing in filings.select("accession", "company_id", "filed_at", "text").to_dicts():
        text = filing.pop("text")
        rows += ({**filing, **passage} for passage in _passages(text, tokenize(text), most))
        progress(1)
    return schemas.PASSAGES.frame(rows)


def _passages(text: str, tokens: Tokens, most: int) -> Iterator[dict[str, Any]]:
    spans: list[Span] = passage_spans(text, tokens.char_start)[:most]
    ranges = token_ranges(spans, tokens.char_start, tokens.char_end)
    for number, (span, (first, end)) in enumerate(zip(spans, ranges, strict=True)):
        kind, rule = kind_of(text[span.start : span.end], is_heading=span.is_heading)
        place = {"passage": number, "start": span.start, "end": span.end, "tokens": end - first}
        yield place | {"kind": kind, "rule": rule}
