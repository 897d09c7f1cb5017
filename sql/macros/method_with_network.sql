-- The method itself if it has a network, else an error that names those that do.
create macro method_with_network(method) as case
    when method in (select link.method from peer_network as link) then method
    else error(
        'method ' || coalesce(method, 'null') || ' has no network; these have: '
        || coalesce(
            (select string_agg(distinct known.method, ', ' order by known.method) from peer_network as known),
            'none'
        )
    )
end;
