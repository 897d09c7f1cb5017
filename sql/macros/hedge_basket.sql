-- Peers to sell against a company, with weights that sum to -1, and how well they would have offset it.
--
-- Weights are proportional to similarity. Correlation and variance reduction are of simple monthly returns, rebalanced
-- monthly, over those of the 12 months after the as-of date in which every leg has a return; where there are fewer than
-- 3 such months, over the 12 months before. Column `measured` says which. Returns that the profile excludes make no
-- month. as_of: a month ('2011-12') or a date; the newest where it is null.
create macro hedge_basket(company, n := 5, as_of := null, method := 'sae') as table
with asked as (
    select asked_as_of(as_of) as as_of
),
basket as (
    select
        peer.rank,
        peer.ticker,
        peer.name,
        peer.company_id,
        peer.similarity,
        -peer.similarity / (sum(exact(peer.similarity)) over ()) as weight
    from peers(company, n := n, as_of := as_of, method := method) as peer
    where peer.similarity > 0
),
months as (
    select
        own.month,
        own.month > asked.as_of as after,
        exp(own.log_return) - 1 as own_return,
        sum(exact(-basket.weight * (exp(leg.log_return) - 1)))::double as basket_return
    from monthly_returns as own
    join asked
        on own.month > last_day(asked.as_of - interval 12 months)
        and own.month <= last_day(asked.as_of + interval 12 months)
    join monthly_returns as leg on own.month = leg.month
    join basket on leg.company_id = basket.company_id
    where own.company_id = company_id_of(company) and own.used and leg.used
    group by own.month, asked.as_of, own.log_return
    having count(*) = (select count(*) from basket)
),
windows as (
    select
        months.after,
        count(*) as months,
        min(months.month) as first_month,
        max(months.month) as last_month,
        corr(months.own_return, months.basket_return order by months.month) as correlation,
        1 - var_samp(months.own_return - months.basket_return order by months.month)
            / nullif(var_samp(months.own_return order by months.month), 0) as variance_reduction
    from months
    group by months.after
),
measured as (
    select windows.*
    from windows
    order by (windows.after and windows.months >= 3) desc, windows.after
    limit 1
)
select
    basket.rank,
    basket.ticker,
    basket.name,
    basket.similarity,
    basket.weight,
    measured.correlation,
    measured.variance_reduction,
    if(measured.after, 'after ', 'before ') || asked.as_of as measured,
    measured.months,
    measured.first_month,
    measured.last_month,
    basket.company_id
from basket
cross join asked
left join measured on true
order by basket.rank;
