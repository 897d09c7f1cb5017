-- Why two companies are similar: what each latent adds, and the words in each description at which it is strongest.
--
-- The contributions add up to the similarity in peers: the largest 12 one by one, then `all others`. as_of: a month
-- ('2011-12') or a date; the newest where it is null. Only method sae has reasons that add up.
create macro why_peers(a, b, as_of := null, method := 'sae') as table
with asked as (
    select asked_as_of(as_of) as as_of, method_with_reasons(method) as method
),
vectors as (
    select vector.*
    from asked
    join labelled_vectors as vector on asked.as_of = vector.as_of and asked.method = 'sae'
),
shared as (
    select
        one.entry,
        one.block,
        one.latent,
        one.label,
        one.weight * other.weight as contribution,
        one.accession as accession_a,
        one.peak_start as start_a,
        one.peak_end as end_a,
        other.accession as accession_b,
        other.peak_start as start_b,
        other.peak_end as end_b
    from vectors as one
    join vectors as other
        on one.entry = other.entry and one.block = other.block and one.latent = other.latent
    where one.company_id = company_id_of(a) and other.company_id = company_id_of(b)
),
ranked as (
    select
        shared.*,
        row_number() over (order by shared.contribution desc, shared.entry, shared.block, shared.latent) as rank
    from shared
),
total as (
    select fsum(shared.contribution) as similarity from shared
),
listed as (
    select
        ranked.rank,
        ranked.entry,
        ranked.block,
        ranked.latent,
        ranked.label,
        ranked.contribution,
        phrase(text_a.text, ranked.start_a, ranked.end_a) as phrase_a,
        phrase(text_b.text, ranked.start_b, ranked.end_b) as phrase_b
    from ranked
    left join descriptions as text_a on ranked.accession_a = text_a.accession
    left join descriptions as text_b on ranked.accession_b = text_b.accession
    where ranked.rank <= 12
    union all by name
    select
        13 as rank,
        'all others' as label,
        coalesce(fsum(ranked.contribution), 0.0) as contribution
    from ranked
    where ranked.rank > 12
    having
        exists (select 1 from vectors as one where one.company_id = company_id_of(a))
        and exists (select 1 from vectors as other where other.company_id = company_id_of(b))
)
select
    listed.entry,
    listed.block,
    listed.latent,
    listed.label,
    listed.contribution,
    listed.contribution / nullif(total.similarity, 0.0) as share,
    listed.phrase_a,
    listed.phrase_b
from listed
cross join total
order by listed.rank;
