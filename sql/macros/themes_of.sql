-- What a company's description is about: its strongest shown themes, their share of its vector, and a passage of each.
--
-- share: of the squared length of the vector, so what a theme would add to a cosine with itself; words that wake the
-- theme are in [brackets].
create macro themes_of(company, n := 10, as_of := null, method := 'sae') as table
with asked as (
    select
        company_id_of(company) as company_id,
        asked_as_of(as_of) as as_of,
        method_with_reasons(method) as method
),
own as materialized (
    select vector.*, component(asked.method, vector.view, vector.weight, vector.own_weight) as component
    from asked
    join company_vectors as vector on asked.company_id = vector.company_id and asked.as_of = vector.as_of
),
total as (
    select fsum(vector.component ** 2) as squares from own as vector
),
best as (
    select
        proof.label,
        vector.entry,
        vector.block,
        vector.latent,
        any_value(vector.component) as component,
        any_value(proof.detection_score) as score,
        first(proof.passage order by proof.worded desc, proof.rank) as passage
    from own as vector
    join theme_evidence as proof
        on vector.as_of = proof.as_of
        and vector.company_id = proof.company_id
        and vector.entry = proof.entry
        and vector.block = proof.block
        and vector.latent = proof.latent
    where vector.component is not null
    group by proof.label, vector.entry, vector.block, vector.latent
),
named as (
    select
        best.label as theme,
        fsum(best.component ** 2) as squares,
        first(best.score order by best.component desc, best.latent) as score,
        first(best.passage order by best.component desc, best.latent) as passage
    from best
    group by best.label
)
select named.theme, named.squares / total.squares as share, named.score, named.passage
from named
cross join total
qualify row_number() over (order by named.squares desc, named.theme) <= n
order by named.squares desc, named.theme;
