-- What the peers of a company are worth by each method, on the months after the as-of date, for each horizon.
--
-- Means over finished dates, with 95 % intervals (docs/method.md). r2: how much of the spread of a month's returns the
-- mean return of five peers explains, over r2_months months, each counted once; incremental_r2: what they add to the market in explaining a company's returns;
-- hedge_median: variance that they take from a market hedge, hedge_worse: share of companies whose hedge they worsen;
-- same_number: correlation with as many nearest as the company's SIC-4 group has others; pairs_1_percent: over the
-- nearest hundredth of all pairs. Correlations are market-adjusted, `_raw` are not. peers_coverage: share of companies
-- that the method itself gives a peer. operating_income_r2, sales_growth_r2: how much of the spread of next fiscal
-- year's operating income over assets, and of its log growth of sales, the five peers explain; empty without figures
-- (`clusters.fundamentals`), and beyond the shorter horizon. Row `placebo`: random peers.
create view firm_scoreboard as
with scored as (
    select
        own.horizon_months,
        if(own.method = 'random', 'placebo', own.method) as method,
        map_from_entries(list((own.score, own.value))) as mean,
        map_from_entries(list((own.score, own.low))) as low,
        map_from_entries(list((own.score, own.high))) as high,
        max(own.blocks) filter (where own.score = 'r2_5') as r2_months
    from peer_intervals as own
    group by all
),
lost as (
    select gone.horizon_months, count(*) as companies_lost from horizon_losses as gone group by gone.horizon_months
)
select
    scored.method,
    scored.horizon_months,
    scored.mean['r2_5'] as r2,
    scored.low['r2_5'] as r2_low,
    scored.high['r2_5'] as r2_high,
    scored.r2_months,
    scored.mean['r2_10'] as r2_10,
    scored.mean['incremental_r2'] as incremental_r2,
    scored.low['incremental_r2'] as incremental_r2_low,
    scored.high['incremental_r2'] as incremental_r2_high,
    scored.mean['hedge_median'] as hedge_median,
    scored.low['hedge_median'] as hedge_median_low,
    scored.high['hedge_median'] as hedge_median_high,
    scored.mean['hedge_worse'] as hedge_worse,
    scored.mean['same_number'] as same_number,
    scored.mean['same_number_less_sic4'] as same_number_less_sic4,
    scored.low['same_number_less_sic4'] as same_number_less_sic4_low,
    scored.high['same_number_less_sic4'] as same_number_less_sic4_high,
    scored.mean['same_number_raw'] as same_number_raw,
    scored.mean['same_number_raw_less_sic4'] as same_number_raw_less_sic4,
    scored.mean['pairs_0.01'] as pairs_1_percent,
    scored.mean['pairs_0.01_raw'] as pairs_1_percent_raw,
    scored.mean['coverage'] as peers_coverage,
    scored.mean['operating_income_r2'] as operating_income_r2,
    scored.low['operating_income_r2'] as operating_income_r2_low,
    scored.high['operating_income_r2'] as operating_income_r2_high,
    scored.mean['sales_growth_r2'] as sales_growth_r2,
    scored.low['sales_growth_r2'] as sales_growth_r2_low,
    scored.high['sales_growth_r2'] as sales_growth_r2_high,
    coalesce(lost.companies_lost, 0) as companies_lost
from scored
left join lost on scored.horizon_months = lost.horizon_months
order by scored.horizon_months, r2 desc nulls last, scored.method;
