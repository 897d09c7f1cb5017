-- How well each method predicts which returns move together, on months after the groups were formed.
--
-- Means over as-of dates. lift = pair_weighted - placebo_mean; its 95 % interval is mean +- 1.96 sd / sqrt(dates).
-- Row `placebo`: random groups of the sizes that sae has, and a random nearest peer.
create view scoreboard as
with grouped as (
    select
        score.method,
        count(*) as as_of_dates,
        avg(score.mean_corr) as mean_corr,
        avg(score.pair_weighted) as pair_weighted,
        avg(score.all_pairs) as all_pairs,
        avg(score.coverage) as coverage,
        avg(score.largest_share) as largest_share,
        avg(score.placebo_mean) as placebo_mean,
        avg(score.placebo_z) as placebo_z,
        avg((score.placebo_p < 0.05)::int) as placebo_beaten,
        avg(score.pair_weighted - score.placebo_mean) as lift,
        1.96 * stddev_samp(score.pair_weighted - score.placebo_mean)
        / sqrt(count(score.pair_weighted - score.placebo_mean)) as half_width
    from cluster_scores as score
    where score.method <> 'random'
    group by score.method
),
with_placebo as (
    select grouped.* from grouped
    union all by name
    select
        'placebo' as method,
        grouped.as_of_dates,
        grouped.placebo_mean as pair_weighted,
        grouped.all_pairs,
        grouped.coverage,
        grouped.largest_share,
        grouped.placebo_mean,
        0.0 as lift
    from grouped
    where grouped.method = 'sae'
),
nearest as (
    select
        if(score.method = 'random', 'placebo', score.method) as method,
        count(*) as as_of_dates,
        avg(score.same_major_group) as same_major_group,
        avg(score.forward_corr) as forward_corr
    from neighbour_scores as score
    group by score.method
)
select
    coalesce(with_placebo.method, nearest.method) as method,
    coalesce(with_placebo.as_of_dates, nearest.as_of_dates) as as_of_dates,
    with_placebo.lift,
    with_placebo.lift - with_placebo.half_width as lift_low,
    with_placebo.lift + with_placebo.half_width as lift_high,
    with_placebo.pair_weighted,
    with_placebo.placebo_mean,
    with_placebo.placebo_z,
    with_placebo.placebo_beaten,
    with_placebo.all_pairs,
    with_placebo.mean_corr,
    with_placebo.coverage,
    with_placebo.largest_share,
    nearest.same_major_group,
    nearest.forward_corr
from with_placebo
full join nearest on with_placebo.method = nearest.method
order by with_placebo.lift desc nulls last, coalesce(with_placebo.method, nearest.method);
