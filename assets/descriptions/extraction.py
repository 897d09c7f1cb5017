"""Extracts Item 1 from all documents of a year in worker processes, and rejects filings without one."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import polars as pl

from assets import schemas
from assets.descriptions.item1 import Item1, item1
from assets.descriptions.text_quality import SHORT_CHARS
from resources.compute.workers import Failed, map_in_processes
from resources.edgar.blobs import BlobStore
from resources.edgar.index import is_amendment

DOCUMENT_TIMEOUT = 120.0
"""Seconds that one document may take."""
TOO_SLOW = "too_slow"
"""In place of an Item 1: why reading the document was given up."""


def extract(document: tuple[Path, str, str]) -> Item1 | Failed:
    """Return Item 1 of a stored document, given as the store's folder, the version of `item1` and the document's hash.

    The result is stored beside the document, so that an interrupted year resumes where it stopped; or why there is
    none, if reading it took too long before.
    """
    root, version, sha256 = document
    store = BlobStore(root)

    def read() -> bytes:
        return json.dumps(asdict(item1(store.get(sha256)))).encode()

    told = json.loads(store.get_or_make(_name(version, sha256), read))
    return Failed(told[TOO_SLOW], is_too_slow=True) if TOO_SLOW in told else Item1(**told)


def extracted(root: Path, version: str, filings: pl.DataFrame, progress: Callable[[int], None]) -> list[Item1 | Failed]:
    """Return the outcome of every filing, in order: its Item 1, or why there is none."""
    documents = [(root, version, sha256) for sha256 in filings["sha256"].drop_nulls()]
    found, store = map_in_processes(extract, documents, DOCUMENT_TIMEOUT, progress=progress), BlobStore(root)
    return [
        _remembered(store, _name(version, sha256), next(found)) if sha256 else Failed(refused)
        for sha256, refused in filings.select("sha256", "refused").rows()
    ]


def _remembered(store: BlobStore, name: str, outcome: Item1 | Failed) -> Item1 | Failed:
    """Return the outcome; one that took too long is stored, so that no later refresh waits for the document again."""
    if isinstance(outcome, Failed) and outcome.is_too_slow:
        store.put_named(name, json.dumps({TOO_SLOW: outcome.reason}).encode())
    return outcome


def _name(version: str, sha256: str) -> str:
    return f"/item1/{version}/{sha256}"


def described(
    filings: pl.DataFrame, outcomes: Iterable[Item1 | Failed], source: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return rows of `descriptions` and of `descriptions_rejected`; every filing is in one of them.

    An amendment replaces a text only if it has an Item 1 of its own that is neither in doubt nor short.
    """
    texts, rejected = [], []
    for filing, outcome in zip(filings.iter_rows(named=True), outcomes, strict=True):
        row = {name: filing[name] for name in ("accession", "company_id", "filed_at")}
        reason = _rejection(filing["form"], outcome)
        if isinstance(outcome, Item1) and reason is None:
            texts.append(
                {
                    **row,
                    **_text(outcome),
                    "source": source,
                    "fiscal_year": (filing["period"] or filing["filed_at"]).year,
                }
            )
        else:
            rejected.append({**row, "reason": reason})
    return schemas.DESCRIPTIONS.frame(texts), schemas.DESCRIPTIONS_REJECTED.frame(rejected)


def _text(found: Item1) -> dict[str, object]:
    rated = {"method": found.method, "quality": found.quality, "overlap": found.overlap, "doubt": found.reason}
    return {"text": found.text, "n_chars": len(found.text), **rated}


def _rejection(form: str, outcome: Item1 | Failed) -> str | None:
    if isinstance(outcome, Failed):
        return outcome.reason
    if outcome.quality == "missing":
        reason = outcome.reason or "no Item 1"
        return f"an amendment without an Item 1: {reason}" if is_amendment(form) else reason
    if not is_amendment(form) or outcome.quality == "ok":
        return None
    is_short = len(outcome.text) < SHORT_CHARS
    why = f"has only {len(outcome.text)} characters" if is_short else f"is in doubt ({outcome.reason})"
    return f"an amendment whose Item 1 {why}, so it replaces no text"
