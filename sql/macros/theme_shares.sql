-- The companies that have a shown theme most, by its share of their vectors: the facts under companies_with.
create macro theme_shares(label, n, as_of, method) as table
with asked as (
    select asked_as_of(as_of) as as_of, method_with_reasons(method) as method
),
squares as (
    select
        told.company_id,
        component(asked.method, told.view, told.weight, told.own_weight) ** 2 as square,
        lower(told.label) = lower(label) as is_theme
    from asked
    join told_vectors as told on asked.as_of = told.as_of
)
select each.company_id, sum(exact(each.square)) filter (each.is_theme) / sum(exact(each.square)) as share
from squares as each
group by each.company_id
having share > 0
qualify row_number() over (order by share desc, each.company_id) <= n;
