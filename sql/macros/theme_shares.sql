-- The companies that have a shown theme most, by its share of their vectors: the facts under companies_with.
create macro theme_shares(label, n, as_of, method) as table
with asked as (
    select asked_as_of(as_of) as as_of, method_with_reasons(method) as method
),
squares as (
    select
        vector.company_id,
        component(asked.method, vector.view, vector.weight, vector.own_weight) ** 2 as square,
        lower(shown.label) = lower(label) as is_theme
    from asked
    join company_vectors as vector on asked.as_of = vector.as_of
    left join shown_themes as shown
        on vector.as_of = shown.as_of
        and vector.entry = shown.entry
        and vector.block = shown.block
        and vector.latent = shown.latent
        and vector.peak >= shown.level
)
select each.company_id, sum(exact(each.square)) filter (each.is_theme) / sum(exact(each.square)) as share
from squares as each
group by each.company_id
having share > 0
qualify row_number() over (order by share desc, each.company_id) <= n;
