-- The method itself if it tells how near companies are to each other, else an error that names those that do.
--
-- sae always does: its similarities are computed from the latents, not read from neighbours.
create macro method_with_neighbours(method) as case
    when method = 'sae' or method in (select near.method from neighbours as near) then method
    else error(
        'method ' || coalesce(method, 'null') || ' has no nearest companies; these have: '
        || (
            select string_agg(distinct known.method, ', ' order by known.method)
            from (select 'sae' as method union all select near.method from neighbours as near) as known
        )
    )
end;
