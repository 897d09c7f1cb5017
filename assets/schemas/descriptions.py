"""Tables of descriptions: annual reports, and the text of their Item 1."""

from assets.schemas.columns import (
    ACCESSION,
    COMPANY_ID,
    DATE,
    FILED_AT,
    FILING,
    INT,
    REAL,
    TEXT,
    TEXTS,
    by_filing,
    column,
    optional,
)

FILINGS = by_filing("filings")(
    "Annual reports, one row each.",
    ACCESSION,
    COMPANY_ID,
    column("form", TEXT, "Form type as filed."),
    FILED_AT,
    optional("period", DATE, "End of the fiscal year reported on."),
    column("name", TEXT, "What the company was called in this filing; `companies` has its newest name."),
    optional("sector", TEXT, "Sector that the source tells for this filing; EDGAR and the corpora tell none."),
    optional("industry", TEXT, "Industry likewise."),
    optional("sic", TEXT, "Four-digit SIC code as filed, not today's."),
    column(
        "tickers", TEXTS, "Trading symbols that the cover page tags (inline XBRL, since 2019), or the source's own."
    ),
    optional("url", TEXT, "Where the document is."),
    optional("sha256", TEXT, "Hash of the header and main document as filed; empty where there is none."),
    optional("refused", TEXT, "Why the document could not be had; empty where it could."),
)
DESCRIPTIONS = by_filing("descriptions")(
    "What companies say about themselves: Item 1 of the annual report.",
    *FILING,
    column("fiscal_year", INT, "Fiscal year that the text describes.", "year"),
    column("text", TEXT, "The description."),
    column("n_chars", INT, "Length of the text.", "characters"),
    column("method", TEXT, "How the text was obtained."),
    column("quality", TEXT, "ok, short, or disagree where two readers differ."),
    optional("overlap", REAL, "Share of the letters that both readers found in the same order, where two read.", "1"),
    optional("doubt", TEXT, "What is doubtful about the text; empty where nothing is."),
    column("source", TEXT, "Where the text comes from."),
)
DESCRIPTIONS_REJECTED = by_filing("descriptions_rejected")(
    "Filings without a usable description, and why.",
    *FILING,
    column("reason", TEXT, "Why there is no description."),
)
