-- What the fitted basket of each method takes of a company's variance, beside SIC-4's and the sector's of the same size.
--
-- Over companies and dates whose trading months are over; daily returns. variance_cut: median share of the variance
-- after the date that the basket took away, variance_cut_before the same over the days that it was fitted on; raised:
-- share of baskets that raised it. over_sic4, over_sector: median difference of variance_cut to the basket of SIC-4, and
-- of the sector, for the same company and date, and beat_sic4, beat_sector how often it is above; empty where the
-- profile does not have that method. Row `placebo`: baskets of random companies.
create view hedge_scoreboard as
with measured as (
    select
        score.method,
        score.as_of,
        score.company_id,
        score.legs,
        score.raised,
        1 - score.hedged_before / nullif(score.variance_before, 0) as cut_before,
        1 - score.hedged_after / nullif(score.variance_after, 0) as cut
    from hedge_scores as score
    where score.days_after is not null
)
select
    if(own.method = 'random', 'placebo', own.method) as method,
    count(*) as baskets,
    count(distinct own.as_of) as as_of_dates,
    median(own.legs) as legs,
    median(own.cut_before) as variance_cut_before,
    median(own.cut) as variance_cut,
    avg(own.raised::integer) as raised,
    median(own.cut - sic4.cut) as over_sic4,
    avg((own.cut > sic4.cut)::integer) as beat_sic4,
    median(own.cut - sector.cut) as over_sector,
    avg((own.cut > sector.cut)::integer) as beat_sector
from measured as own
left join measured as sic4
    on own.company_id = sic4.company_id and own.as_of = sic4.as_of and sic4.method = 'sic4' and own.method <> 'sic4'
left join measured as sector
    on own.company_id = sector.company_id
    and own.as_of = sector.as_of
    and sector.method = 'sector'
    and own.method <> 'sector'
group by own.method
order by own.method = 'random', variance_cut desc, own.method;
