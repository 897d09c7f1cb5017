-- The companies that have a shown theme most, by its label: its share of the company's vector, and a passage.
--
-- from theme('oil') finds labels.
create macro companies_with(label, n := 10, as_of := null, method := 'sae') as table
with strongest as (
    from theme_shares(label, n, as_of, method)
),
proofs as (
    select
        proof.company_id,
        first(proof.passages[1] order by proof.component desc, proof.latent) as passage
    from company_evidence(
        (select list(known.company_id) from theme_shares(label, n, as_of, method) as known),
        asked_as_of(as_of),
        method_with_reasons(method)
    ) as proof
    where lower(proof.label) = lower(label)
    group by proof.company_id
)
select company.ticker, company.name, strongest.share, proofs.passage, strongest.company_id
from strongest
join company_directory as company on strongest.company_id = company.company_id
left join proofs on strongest.company_id = proofs.company_id
order by strongest.share desc, strongest.company_id;
