-- Companies whose peers changed between two months ('2010-12', '2011-12'): who left, who joined, and why.
--
-- change says whether the company moved to another group or stayed while others came or went, jaccard how much of both
-- groups is one (companies in both over companies in either), themes_gained and themes_lost what the later of its two
-- filings says and the earlier does not, and the reverse: view cluster_drift, which has two dates that follow each other
-- and also who is alone. Between other dates these columns are null, and who left and joined is all the same. No rows
-- where either month has no groups.
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
),
peers_changed as (
    select
        changes.company_id,
        coalesce(list(peer.ticker order by peer.ticker) filter (changes.was_peer), []) as left_peers,
        coalesce(list(peer.ticker order by peer.ticker) filter (changes.is_peer), []) as joined_peers
    from changes
    join company_directory as peer on changes.peer_id = peer.company_id
    group by changes.company_id
),
moves as (
    select drift.*
    from cluster_drift as drift
    where
        drift.method = method
        and strftime(drift.before, '%Y-%m') = m1
        and strftime(drift.as_of, '%Y-%m') = m2
)
select
    own.ticker,
    own.name,
    peers_changed.left_peers,
    peers_changed.joined_peers,
    moves.change,
    moves.jaccard,
    moves.themes_gained,
    moves.themes_lost,
    moves.accession_before,
    moves.accession,
    peers_changed.company_id
from peers_changed
join company_directory as own on peers_changed.company_id = own.company_id
left join moves on peers_changed.company_id = moves.company_id
order by own.ticker, peers_changed.company_id;
