"""Tables of prices: daily closes, monthly log returns, and what was left out."""

from assets.schemas.columns import COMPANY_ID, DATE, FLAG, INT, REAL, TEXT, TEXTS, column, optional, table

PRICES = table("prices", "company_id date", "date", by_year=True)(
    "Daily closes adjusted for splits and dividends.",
    COMPANY_ID,
    column("ticker", TEXT, "Symbol under which the price was quoted."),
    column("date", DATE, "Trading day."),
    column("adj_close", REAL, "Adjusted close.", "USD"),
    optional("close", REAL, "Close that is not adjusted for dividends.", "USD"),
    optional("volume", REAL, "Shares traded, adjusted as `close` is.", "shares"),
    column("source", TEXT, "Where the price comes from."),
)
PRICES_MISSING = table("prices_missing", "company_id")(
    "Companies without prices, or whose prices could not be brought up to date, and why.",
    COMPANY_ID,
    optional("ticker", TEXT, "Symbols that were asked for; empty where the company has none."),
    optional("through", DATE, "Last day with a price, where they end early; empty where there is none."),
    column("reason", TEXT, "Why they are missing."),
)
PRICES_CUT = table("prices_cut", "ticker first company_id")(
    "Quotes of a ticker that were left out: another security's, nobody's, or those of a lesser share class.",
    column("ticker", TEXT, "Symbol under which they were quoted."),
    column("first", DATE, "First day left out."),
    column("last", DATE, "Last day left out."),
    column("days", INT, "Trading days left out.", "days"),
    column("company_id", TEXT, "Company that asked for the ticker."),
    column("reason", TEXT, "Why they do not count."),
)
MONTHLY_RETURNS = table("monthly_returns", "company_id month", "month")(
    "Log returns from last trade to last trade of consecutive months.",
    COMPANY_ID,
    column("month", DATE, "Month-end."),
    column("log_return", REAL, "Log return over the month, rounded to 1e-9.", "1"),
    column(
        "flags",
        TEXTS,
        "What is odd about it: outlier (beyond 1), reversal (undoes the month before), stale (five identical closes), "
        "delisted (ends at the last trade).",
    ),
    column(
        "used",
        FLAG,
        "Whether it counts: the profile excludes neither it nor a reversal that it begins.",
    ),
)
