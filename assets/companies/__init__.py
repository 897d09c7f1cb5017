"""Who exists: companies and the tickers that meant them."""
