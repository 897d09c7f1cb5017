-- What a group is called: the three shown themes that hold it together best, else the commonest SIC group's name.
--
-- The name of a SIC group is marked (SIC); `no shown theme` where no member has a code, either.
create view cluster_names as
with by_themes as (
    select
        held.method,
        held.as_of,
        held.cluster,
        array_to_string(list(held.label order by held.rank)[:3], ' / ') as label
    from cluster_labels as held
    group by held.method, held.as_of, held.cluster
),
codes as (
    select
        formed.method,
        formed.as_of,
        formed.cluster,
        coded.major_group,
        count(*) as companies
    from peer_clusters as formed
    left join sic_groups as coded on formed.as_of = coded.as_of and formed.company_id = coded.company_id
    group by formed.method, formed.as_of, formed.cluster, coded.major_group
),
by_sic as (
    select
        codes.method,
        codes.as_of,
        codes.cluster,
        first(codes.major_group order by codes.companies desc, codes.major_group)
            filter (codes.major_group is not null) as major_group
    from codes
    group by codes.method, codes.as_of, codes.cluster
)
select
    by_sic.method,
    by_sic.as_of,
    by_sic.cluster,
    coalesce(by_themes.label, known.name || ' (SIC)', 'no shown theme') as label
from by_sic
left join by_themes
    on by_sic.method = by_themes.method and by_sic.as_of = by_themes.as_of and by_sic.cluster = by_themes.cluster
left join sic_names as known on by_sic.major_group = known.major_group;
