-- The three labels that say best why a cluster is one.
create view cluster_names as
select
    named.method,
    named.as_of,
    named.cluster,
    string_agg(named.label, '; ' order by named.rank) as label
from cluster_labels as named
where named.rank <= 3
group by named.method, named.as_of, named.cluster;
