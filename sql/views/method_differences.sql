-- By how much a method's peers are better or worse than another's, score by score, for each horizon.
--
-- Paired: an R2 month by month, the other scores at the same dates and in the same samples of companies. low and high
-- bound the mean with 95 % over companies and time; low_firms and high_firms over companies alone, which say something
-- after one date already. Row `placebo`: random peers. The method is better where low is above 0 (of hedge_worse, where
-- high is below 0).
create view method_differences as
with every as (
    select
        own.method,
        own.other,
        own.horizon_months,
        'r2_' || own.peers as score,
        own.difference,
        own.low,
        own.high,
        null::double as low_firms,
        null::double as high_firms
    from r2_differences as own
    union all by name
    select
        own.method,
        own.other,
        own.horizon_months,
        own.score,
        own.difference,
        own.low,
        own.high,
        own.low_firms,
        own.high_firms
    from score_differences as own
)
select
    every.* replace (
        if(every.method = 'random', 'placebo', every.method) as method,
        if(every.other = 'random', 'placebo', every.other) as other
    )
from every
order by every.horizon_months, every.score, every.difference desc, every.method, every.other;
