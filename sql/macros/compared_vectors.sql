-- What a method compares: components of unit vectors, of which a similarity is the sum of products; none of tfidf's.
--
-- sae takes both views, sae_passages and sae_tokens one view each. as_of is a date of `asked_as_of`.
create macro compared_vectors(as_of, method) as table
with asked as (
    select as_of as as_of, method as method
)
select
    vector.as_of,
    vector.company_id,
    vector.accession,
    vector.view,
    vector.entry,
    vector.block,
    vector.latent,
    case when asked.method = 'sae' then vector.weight else vector.own_weight end as component
from asked
join company_vectors as vector on asked.as_of = vector.as_of
where asked.method = 'sae' or asked.method = 'sae_' || vector.view;
