-- The method itself if baskets were fitted on its peers, else an error that names those of which there are.
create macro method_with_baskets(method) as case
    when method in (select basket.method from hedge_baskets as basket) or (select count(*) from hedge_baskets) = 0
        then method
    else error(
        'method ' || coalesce(method, 'null') || ' has no fitted baskets; these have: '
        || (select string_agg(distinct basket.method, ', ' order by basket.method) from hedge_baskets as basket)
    )
end;
