-- Companies whose peers changed between two months ('2010-12', '2011-12'): who left, who joined.
--
-- No rows where either month has no groups.
create macro cluster_drift(m1, m2, method := 'sae') as table
with memberships as (
    select strftime(formed.as_of, '%Y-%m') as formed_in, formed.cluster, formed.company_id
    from peer_clusters as formed
    where formed.method = method and strftime(formed.as_of, '%Y-%m') in (m1, m2)
),
pairs as (
    select own.formed_in, own.company_id, peer.company_id as peer_id
    from memberships as own
    join memberships as peer on own.formed_in = peer.formed_in and own.cluster = peer.cluster
    where own.company_id <> peer.company_id
),
changes as (
    select
        pair.company_id,
        pair.peer_id,
        bool_or(pair.formed_in = m1) as was_peer,
        bool_or(pair.formed_in = m2) as is_peer
    from pairs as pair
    where (select count(distinct known.formed_in) from memberships as known) = 2
    group by pair.company_id, pair.peer_id
    having count(*) = 1
)
select
    own.ticker,
    own.name,
    coalesce(list(peer.ticker order by peer.ticker) filter (changes.was_peer), []) as left_peers,
    coalesce(list(peer.ticker order by peer.ticker) filter (changes.is_peer), []) as joined_peers,
    own.company_id
from changes
join company_directory as own on changes.company_id = own.company_id
join company_directory as peer on changes.peer_id = peer.company_id
group by own.ticker, own.name, own.company_id
order by own.ticker, own.company_id;
