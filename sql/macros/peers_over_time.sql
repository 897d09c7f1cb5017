-- The nearest companies at every as-of date, the oldest first: who is new among them, and who is not any more after it.
--
-- entered: it was not among the n nearest at the date before at which the company has any; leaves: it is not at the next
-- such date. Both are null where there is no such date. As many as `clusters.neighbours` of the profile says are kept.
create macro peers_over_time(company, n := 10, method := 'sae') as table
with near as (
    select
        kept.as_of,
        kept.rank,
        kept.peer_id,
        kept.similarity,
        dense_rank() over (order by kept.as_of) as number
    from neighbours as kept
    where
        kept.company_id = company_id_of(company)
        and kept.method = method_with_neighbours(method)
        and kept.rank <= n
),
dates as (
    select max(near.number) as count from near
)
select
    near.as_of,
    near.rank,
    peer.ticker,
    peer.name,
    near.similarity,
    case when near.number > 1 then earlier.peer_id is null end as entered,
    case when near.number < dates.count then later.peer_id is null end as leaves,
    near.peer_id as company_id
from near
cross join dates
join company_directory as peer on near.peer_id = peer.company_id
left join near as earlier on near.number = earlier.number + 1 and near.peer_id = earlier.peer_id
left join near as later on near.number = later.number - 1 and near.peer_id = later.peer_id
order by near.as_of, near.rank;
