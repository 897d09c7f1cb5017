-- How well each method predicts which returns move together, on months after the groups were formed.
--
-- First what a company's peers are worth (`firm_scoreboard`), over the shorter horizon; row `placebo`: random peers.
-- Then the groups, as in the paper, with the paper's MeanCorr.
--
-- Means over the as-of dates whose horizon is finished; `unfinished_dates` are in none, and the newest of them is
-- `newest_as_of`, after `newest_months` of `horizon_months` months. lift = pair_weighted - placebo_mean; its 95 %
-- interval is over companies and over `blocks` horizons that share no month, empty below two. same_major_group is over
-- the `nearest_companies` that have a SIC code, each counted once; its interval is Wilson's, nearest_p McNemar's
-- against sae. Row `placebo`: random groups of the sizes that sae has, and a random nearest peer.
-- Means are in the order of dates, so that the order of rows changes no digit.
create view scoreboard as
with grouped as (
    select
        score.method,
        count(*) filter (where score.finished) as as_of_dates,
        count(*) filter (where not score.finished) as unfinished_dates,
        max(score.as_of) filter (where not score.finished) as newest_as_of,
        max_by(score.months, score.as_of) filter (where not score.finished) as newest_months,
        max(score.horizon_months) as horizon_months,
        avg(score.mean_corr order by score.as_of) filter (where score.finished) as mean_corr,
        avg(score.pair_weighted order by score.as_of) filter (where score.finished) as pair_weighted,
        avg(score.all_pairs order by score.as_of) filter (where score.finished) as all_pairs,
        avg(score.coverage order by score.as_of) filter (where score.finished) as coverage,
        avg(score.largest_share order by score.as_of) filter (where score.finished) as largest_share,
        avg(score.placebo_mean order by score.as_of) filter (where score.finished) as placebo_mean,
        avg(score.placebo_z order by score.as_of) filter (where score.finished) as placebo_z,
        avg((score.placebo_p < 0.05)::int) filter (where score.finished) as placebo_beaten,
        sum(score.companies) filter (where score.finished) as companies,
        sum(score.companies_lost) filter (where score.finished) as companies_lost,
        sum(score.pairs) filter (where score.finished) as pairs,
        sum(score.pairs_lost) filter (where score.finished) as pairs_lost
    from cluster_scores as score
    group by score.method
),
with_intervals as (
    select
        grouped.*,
        sure.lift,
        sure.low as lift_low,
        sure.high as lift_high,
        sure.blocks
    from grouped
    left join lift_intervals as sure on grouped.method = sure.method
),
with_placebo as (
    select with_intervals.* from with_intervals
    union all by name
    select
        'placebo' as method,
        sae.as_of_dates,
        sae.unfinished_dates,
        sae.newest_as_of,
        sae.newest_months,
        sae.horizon_months,
        sae.placebo_mean as pair_weighted,
        sae.all_pairs,
        sae.coverage,
        sae.largest_share,
        sae.placebo_mean,
        if(sae.placebo_mean is null, null, 0.0) as lift
    from with_intervals as sae
    where sae.method = 'sae'
),
forward as (
    select
        if(score.method = 'random', 'placebo', score.method) as method,
        avg(score.forward_corr order by score.as_of) as forward_corr
    from neighbour_scores as score
    group by score.method
),
nearest as (
    select
        forward.method,
        forward.forward_corr,
        share.share as same_major_group,
        share.low as same_major_group_low,
        share.high as same_major_group_high,
        share.companies as nearest_companies,
        share.alone as nearest_alone,
        share.sae_better as nearest_sae_better,
        share.sae_worse as nearest_sae_worse,
        share.p_value as nearest_p
    from forward
    left join nearest_shares as share on forward.method = if(share.method = 'random', 'placebo', share.method)
),
firm as (
    select board.* from firm_scoreboard as board
    where board.horizon_months = (select min(other.horizon_months) from firm_scoreboard as other)
)
select
    coalesce(with_placebo.method, nearest.method, firm.method) as method,
    firm.r2,
    firm.r2_low,
    firm.r2_high,
    firm.r2_10,
    firm.incremental_r2,
    firm.hedge_median,
    firm.hedge_median_low,
    firm.hedge_median_high,
    firm.hedge_worse,
    firm.same_number,
    firm.same_number_less_sic4,
    firm.same_number_less_sic4_low,
    firm.same_number_less_sic4_high,
    firm.same_number_raw,
    firm.pairs_1_percent,
    firm.peers_coverage,
    coalesce(with_placebo.as_of_dates, 0) as as_of_dates,
    with_placebo.blocks,
    with_placebo.lift,
    with_placebo.lift_low,
    with_placebo.lift_high,
    with_placebo.pair_weighted,
    with_placebo.placebo_mean,
    with_placebo.placebo_z,
    with_placebo.placebo_beaten,
    with_placebo.all_pairs,
    with_placebo.mean_corr,
    with_placebo.coverage,
    with_placebo.largest_share,
    with_placebo.companies,
    with_placebo.companies_lost,
    with_placebo.pairs,
    with_placebo.pairs_lost,
    nearest.same_major_group,
    nearest.same_major_group_low,
    nearest.same_major_group_high,
    nearest.nearest_companies,
    nearest.nearest_alone,
    nearest.nearest_sae_better,
    nearest.nearest_sae_worse,
    nearest.nearest_p,
    nearest.forward_corr,
    with_placebo.unfinished_dates,
    with_placebo.newest_as_of,
    with_placebo.newest_months,
    with_placebo.horizon_months
from with_placebo
full join nearest on with_placebo.method = nearest.method
full join firm on firm.method = coalesce(with_placebo.method, nearest.method)
order by
    firm.r2 desc nulls last,
    with_placebo.lift desc nulls last,
    coalesce(with_placebo.method, nearest.method, firm.method);
