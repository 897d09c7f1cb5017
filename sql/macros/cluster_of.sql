-- The peer group of a company at the newest as-of date, itself included.
create macro cluster_of(company, method := 'sae') as table
with own as (
    select formed.method, formed.as_of, formed.cluster
    from peer_clusters as formed
    join latest_as_of as latest on formed.as_of = latest.as_of
    where formed.method = method and formed.company_id = company_id_of(company)
)
select
    member.ticker,
    member.name,
    member.sic,
    formed.cluster,
    named.label,
    formed.as_of,
    formed.company_id
from own
join peer_clusters as formed
    on own.method = formed.method and own.as_of = formed.as_of and own.cluster = formed.cluster
join company_directory as member on formed.company_id = member.company_id
left join cluster_names as named
    on own.method = named.method and own.as_of = named.as_of and own.cluster = named.cluster
order by member.ticker, formed.company_id;
