-- Every company with its ticker, and with the SIC code of its newest described filing known at the newest as-of date.
create view company_directory as
with codes as (
    select
        coded.company_id,
        coded.sic,
        coded.major_group
    from sic_groups as coded
    join latest_as_of as latest on coded.as_of = latest.as_of
),
symbols as (
    select
        symbol.company_id,
        first(
            symbol.ticker
            order by symbol.valid_to desc nulls first, symbol.valid_from desc nulls last, symbol.ticker
        ) as ticker
    from tickers as symbol
    group by symbol.company_id
)
select
    company.company_id,
    coalesce(symbols.ticker, company.company_id) as ticker,
    company.name,
    codes.sic,
    codes.major_group,
    company.exchange,
    company.sector,
    company.industry
from companies as company
left join symbols on company.company_id = symbols.company_id
left join codes on company.company_id = codes.company_id;
