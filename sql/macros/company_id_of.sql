-- The company that a ticker or company_id means; null where nobody knows it.
--
-- A ticker that was reused means its newest bearer.
create macro company_id_of(company) as coalesce(
    (select known.company_id from companies as known where known.company_id = company),
    (
        select
            first(
                symbol.company_id
                order by symbol.valid_to desc nulls first, symbol.valid_from desc nulls last, symbol.company_id
            )
        from tickers as symbol
        where upper(symbol.ticker) = upper(company)
    )
);
