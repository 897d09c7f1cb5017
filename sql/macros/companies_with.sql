-- The companies that have a shown theme most, by its label: its share of the company's vector, and a passage.
--
-- from theme('oil') finds labels.
create macro companies_with(label, n := 10, as_of := null, method := 'sae') as table
with asked as (
    select asked_as_of(as_of) as as_of, method_with_reasons(method) as method
),
vectors as (
    select vector.*, component(asked.method, vector.view, vector.weight, vector.own_weight) as component
    from asked
    join company_vectors as vector on asked.as_of = vector.as_of
),
bearers as (
    select vector.*
    from vectors as vector
    join shown_themes as shown
        on vector.as_of = shown.as_of
        and vector.entry = shown.entry
        and vector.block = shown.block
        and vector.latent = shown.latent
    where lower(shown.label) = lower(label) and vector.component is not null
),
strongest as (
    select bearer.company_id, fsum(bearer.component ** 2) as squares
    from bearers as bearer
    group by bearer.company_id
    qualify row_number() over (order by squares desc, bearer.company_id) <= n
),
totals as (
    select vector.company_id, fsum(vector.component ** 2) as squares
    from vectors as vector
    join strongest on vector.company_id = strongest.company_id
    group by vector.company_id
),
proofs as (
    select
        bearer.company_id,
        first(proof.passage order by proof.worded desc, bearer.component desc, proof.rank) as passage
    from bearers as bearer
    join strongest on bearer.company_id = strongest.company_id
    join theme_evidence as proof
        on bearer.as_of = proof.as_of
        and bearer.company_id = proof.company_id
        and bearer.entry = proof.entry
        and bearer.block = proof.block
        and bearer.latent = proof.latent
    group by bearer.company_id
)
select
    company.ticker,
    company.name,
    strongest.squares / totals.squares as share,
    proofs.passage,
    strongest.company_id
from strongest
join totals on strongest.company_id = totals.company_id
join company_directory as company on strongest.company_id = company.company_id
left join proofs on strongest.company_id = proofs.company_id
order by share desc, strongest.company_id;
