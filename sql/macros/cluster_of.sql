-- The peer group of a company at the newest as-of date, itself included.
--
-- stability: how often the member stays with most of its group when groups are formed again of a bootstrap sample.
-- note: that a company is alone, and which group it is nearest to: a suggestion, no group.
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
    formed.stability,
    case
        when formed.suggested is not null
            then 'alone; nearest group ' || formed.suggested || ': ' || suggestion.label
        when count(*) over () = 1 then 'alone'
    end as note,
    formed.as_of,
    formed.company_id
from own
join peer_clusters as formed
    on own.method = formed.method and own.as_of = formed.as_of and own.cluster = formed.cluster
join company_directory as member on formed.company_id = member.company_id
left join cluster_names as named
    on own.method = named.method and own.as_of = named.as_of and own.cluster = named.cluster
left join cluster_names as suggestion
    on own.method = suggestion.method and own.as_of = suggestion.as_of and formed.suggested = suggestion.cluster
order by member.ticker, formed.company_id;
