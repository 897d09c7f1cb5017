-- The as-of date that a month ('2011-12') or a date means, the newest where it is null; an error where there is none.
create macro asked_as_of(month) as case
    when month is null then (select latest.as_of from latest_as_of as latest)
    else coalesce(
        (
            select max(formed.as_of)
            from peer_clusters as formed
            where left(month::varchar, 10) in (strftime(formed.as_of, '%Y-%m'), formed.as_of::varchar)
        ),
        error(
            'no peer groups as of ' || month::varchar || '; there are '
            || coalesce(
                (
                    select 'those of ' || string_agg(strftime(known.as_of, '%Y-%m'), ', ' order by known.as_of)
                    from (select distinct formed.as_of from peer_clusters as formed) as known
                ),
                'none'
            )
        )
    )
end;
