-- The peer groups formed in a month ('2011-12'), the largest first.
--
-- stability: the mean over members of how often each stays with most of its group (docs/method.md).
create macro clusters(month, method := 'sae') as table
select
    formed.cluster,
    count(*) as size,
    list(member.ticker order by member.ticker, member.company_id) as members,
    any_value(named.label) as label,
    (sum(exact(formed.stability)) / count(formed.stability))::double as stability
from peer_clusters as formed
join company_directory as member on formed.company_id = member.company_id
left join cluster_names as named
    on formed.method = named.method and formed.as_of = named.as_of and formed.cluster = named.cluster
where formed.method = method and strftime(formed.as_of, '%Y-%m') = month
group by formed.cluster
order by formed.cluster;
