-- Peers to sell against a company: weights of the least variance, and how well they offset it; a warning where not.
--
-- A weight of -0.2 sells 20 cents of the peer for each dollar of the company. Weights were fitted on daily returns up
-- to the as-of date (docs/method.md) on at most `backtest.basket_peers` peers; the n largest are listed, all where n is
-- null, and `legs` counts all. Correlation and variance reduction are of the whole basket, on daily returns after the
-- as-of date once all `backtest.trading_months` are over; until then over the days that it was fitted on, which flatters
-- it. Column `measured` says which. as_of: a month ('2011-12') or a date; the newest where it is null.
create macro hedge_basket(company, n := null, as_of := null, method := 'sae') as table
with asked as (
    select
        company_id_of(company) as company_id,
        asked_as_of(as_of) as as_of,
        method_with_baskets(method) as method
),
legs as (
    select
        row_number() over (order by basket.weight desc, basket.peer_id) as rank,
        count(*) over () as legs,
        basket.peer_id,
        -basket.weight as weight
    from asked
    join hedge_baskets as basket
        on asked.company_id = basket.company_id and asked.as_of = basket.as_of and asked.method = basket.method
)
select
    leg.rank,
    peer.ticker,
    peer.name,
    near.similarity,
    leg.weight,
    leg.legs,
    if(score.days_after is null, score.correlation_before, score.correlation_after) as correlation,
    1 - if(score.days_after is null, score.hedged_before, score.hedged_after)
        / nullif(if(score.days_after is null, score.variance_before, score.variance_after), 0) as variance_reduction,
    if(score.days_after is null, 'before ', 'after ') || score.as_of as measured,
    coalesce(score.days_after, score.days_before) as days,
    coalesce(score.last_day, score.as_of) as last_day,
    if(
        score.raised,
        format(
            'this basket raised the variance by {:.0f} % after the date',
            100 * (score.hedged_after / score.variance_after - 1)
        ),
        null
    ) as warning,
    leg.peer_id as company_id
from asked
join legs as leg on n is null or leg.rank <= n
join company_directory as peer on leg.peer_id = peer.company_id
left join neighbours as near
    on asked.company_id = near.company_id
    and asked.as_of = near.as_of
    and asked.method = near.method
    and leg.peer_id = near.peer_id
left join hedge_scores as score
    on asked.company_id = score.company_id and asked.as_of = score.as_of and asked.method = score.method
order by leg.rank;
