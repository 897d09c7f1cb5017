-- The companies that have a shown theme most, by its label: its share of the company's vector, and a passage.
--
-- from theme('oil') finds labels.
create macro companies_with(label, n := 10, as_of := null, method := 'sae') as table
with strongest as materialized (
    from theme_shares(label, n, as_of, method)
),
proofs as (
    select
        proof.company_id,
        first(proof.words order by proof.component desc, proof.latent) as words,
        first(proof.passages order by proof.component desc, proof.latent) as passages
    from company_evidence(
        (select list(strongest.company_id) from strongest),
        asked_as_of(as_of),
        method_with_reasons(method)
    ) as proof
    where lower(proof.label) = lower(label)
    group by proof.company_id
),
patterns as (
    select proofs.company_id, proofs.passages, word_pattern(proofs.words) as pattern
    from proofs
)
select
    company.ticker,
    company.name,
    strongest.share,
    best_passages(patterns.passages, patterns.pattern, 1)[1] as passage,
    strongest.company_id
from strongest
join company_directory as company on strongest.company_id = company.company_id
left join patterns on strongest.company_id = patterns.company_id
order by strongest.share desc, strongest.company_id;
