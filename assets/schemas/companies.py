"""Tables of companies: who exists, and what tickers meant."""

from assets.schemas.columns import COMPANY_ID, DATE, TEXT, column, optional, table

COMPANIES = table("companies", "company_id", "first_report company_id")(
    "Who exists.",
    COMPANY_ID,
    optional("cik", TEXT, "SEC Central Index Key, ten digits."),
    column("name", TEXT, "Name at the time of the newest filing in the universe."),
    optional("exchange", TEXT, "Listing exchange."),
    optional("sector", TEXT, "Sector, where the source tells one."),
    optional("industry", TEXT, "Industry, where the source tells one."),
    optional("fiscal_year_end", TEXT, "Last day of the fiscal year as MM-DD."),
    column("first_report", DATE, "Day of its first annual report that the source knows of."),
)
TICKERS = table("tickers", "ticker company_id")(
    "What a ticker meant, and when.",
    column("ticker", TEXT, "Exchange symbol."),
    COMPANY_ID,
    optional("valid_from", DATE, "First day on which the ticker meant this company; empty where unknown."),
    optional("valid_to", DATE, "Last such day; empty where it still does or nobody knows."),
    column("source", TEXT, "Who says so."),
)
