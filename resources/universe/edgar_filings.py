"""Rows of `filings` from EDGAR's annual reports: header facts, cover page symbols, and reasons for missing ones."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from resources.edgar import Request, fetch_all
from resources.edgar.blobs import BlobStore, Pointer
from resources.edgar.cover_page import trading_symbols
from resources.edgar.submission import (
    Header,
    document_arrived,
    header,
    header_arrived,
    main_document,
    submission_ended,
)
from resources.settings.descriptions import Edgar
from resources.universe.universe import FILED


def download(settings: Edgar, root: Path, reports: pl.DataFrame, progress: Callable[[int], None]) -> dict[str, Pointer]:
    """Fetch header and main document of every report, by url; where SIC codes are chosen, of those that have one.

    Reading stops after the main document: exhibits are most of a submission and hold no Item 1.

    Parameters
    ----------
    settings : Edgar
        Who asks, where, and for which SIC codes.
    root : Path
        Folder of the `BlobStore`.
    reports : DataFrame
        As from `EdgarUniverse.reports`.
    progress : callable
        Told how many more reports are done.
    """
    chosen = reports["url"].to_list()
    if settings.sic:
        chosen = _chosen(settings, root, reports)
        progress(reports.height - len(chosen))
    wanted = [Request(url, "document", until=document_arrived, complete=submission_ended) for url in chosen]
    return fetch_all(settings, root, wanted, progress)


def _chosen(settings: Edgar, root: Path, reports: pl.DataFrame) -> list[str]:
    """Return the urls of reports with a wanted code in their header, for which the header alone is fetched."""
    asked = [Request(url, "header", until=header_arrived, complete=header_arrived) for url in reports["url"]]
    got, store = fetch_all(settings, root, asked), BlobStore(root)
    return [
        url
        for url, companies in reports.select("url", "companies").rows()
        if in_ranges(_sic(store, got[url], companies), settings.sic)
    ]


def _sic(store: BlobStore, pointer: Pointer, companies: list[str]) -> str | None:
    if pointer.sha256 is None:
        return None
    facts = header(store.get(pointer.sha256))
    return facts.sic_of(owner(facts, companies))


def owner(facts: Header, companies: Sequence[str]) -> str:
    """Return the company that a joint report stands for: the first in its header."""
    return next((cik for cik, _ in facts.filers if cik in companies), companies[0])


def in_ranges(sic: str | None, ranges: Iterable[str]) -> bool:
    """Return whether a code is in ranges such as `3711` or `2000-2999`, ends included; a missing code is in none."""
    bounds = (one.partition("-") for one in ranges)
    return sic is not None and any(first <= sic <= (last or first) for first, _, last in bounds)


def contents(reports: pl.DataFrame, got: Mapping[str, Pointer]) -> dict[str, list[str | None]]:
    """Return accession -> all that its row of `filings` depends on: companies, hash of the document, or its refusal.

    The companies stand with the names that the index gives them.
    """
    return {
        report["accession"]: [
            *report["companies"],
            *report["names"],
            got[report["url"]].sha256,
            got[report["url"]].refused,
        ]
        for report in reports.iter_rows(named=True)
    }


def filing_rows(reports: pl.DataFrame, got: Mapping[str, Pointer], store: BlobStore) -> pl.DataFrame:
    """Return rows of `filings`: company, name, form and date from the index; SIC, period and symbols from the document.

    Parameters
    ----------
    reports : DataFrame
        As `EdgarUniverse.reports` returns them.
    got : mapping
        Url -> pointer.
    store : BlobStore
        The store of the documents.
    """
    rows = [_row(report, got[report["url"]], store) for report in reports.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=FILED)


def _row(report: dict[str, Any], pointer: Pointer, store: BlobStore) -> dict[str, object]:
    row = {name: report[name] for name in ("accession", "form", "filed_at", "url")}
    names = dict(zip(report["companies"], report["names"], strict=True))
    if pointer.sha256 is None:
        company = report["companies"][0]
        return {**row, "company_id": company, "name": names[company], "tickers": [], "refused": pointer.refused}
    content = store.get(pointer.sha256)
    facts, symbols = header(content), trading_symbols(main_document(content))
    company = owner(facts, report["companies"])
    found = {"sic": facts.sic_of(company), "period": facts.period, "tickers": symbols, "sha256": pointer.sha256}
    return {**row, "company_id": company, "name": names[company], **found}
