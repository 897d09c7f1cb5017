-- What every latent that two companies share adds to their similarity by a method; who they are in columns *_a and *_b.
create macro pair_parts(a, b, as_of, method) as table
with asked as (
    select
        asked_as_of(as_of) as as_of,
        method_with_reasons(method) as method,
        company_id_of(a) as company_a,
        company_id_of(b) as company_b
),
vectors as (
    select vector.*, asked.company_a, asked.company_b
    from asked
    join compared_vectors(asked_as_of(as_of), method_with_reasons(method)) as vector
        on vector.company_id in (asked.company_a, asked.company_b)
)
select
    one.as_of,
    one.company_id as company_a,
    other.company_id as company_b,
    one.view,
    one.entry,
    one.block,
    one.latent,
    one.component * other.component as contribution
from vectors as one
join vectors as other on one.entry = other.entry and one.block = other.block and one.latent = other.latent
where one.company_id = one.company_a and other.company_id = other.company_b;
