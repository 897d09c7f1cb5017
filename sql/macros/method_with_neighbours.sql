-- The method itself if it tells how near companies are to each other, else an error that names those that do.
--
-- sae and its views always do: their similarities are computed from the latents, not read from neighbours.
create macro method_with_neighbours(method) as case
    when
        method in ('sae', 'sae_passages', 'sae_tokens')
        or method in (select near.method from nearest_companies as near)
        then method
    else error(
        'method ' || coalesce(method, 'null') || ' has no nearest companies; these have: '
        || (
            select string_agg(distinct known.method, ', ' order by known.method)
            from (
                select unnest(['sae', 'sae_passages', 'sae_tokens']) as method
                union all
                select near.method from nearest_companies as near
            ) as known
        )
    )
end;
