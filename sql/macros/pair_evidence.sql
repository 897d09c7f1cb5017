-- What every latent that two companies share adds to their similarity, and where each text has it: the facts under why.
--
-- By stack a latent adds its product times the coefficient of its view; stack_pair has the parts that are no latents.
--
-- label is the title of the reason that the latent is a part of, there where it may be shown and both texts have a passage
-- of it and a word in common: `words` are the terms that both say. Two latents that no words tell apart have one title.
-- One row without a latent stands for two companies that share none. as_of, method: as in why_peers; passages: as in
-- company_evidence.
create macro pair_evidence(a, b, as_of, method) as table
with asked as materialized (
    select company_id_of(a) as company_a, company_id_of(b) as company_b
),
known as materialized (
    from company_evidence(
        (select [asked.company_a, asked.company_b] from asked), asked_as_of(as_of), method_of_pairs(method)
    )
),
weights as materialized (
    select pair.part as view, pair.coefficient
    from stack_pair(
        (select asked.company_a from asked), (select asked.company_b from asked), asked_as_of(as_of), method
    ) as pair
),
parts as materialized (
    select
        one.view,
        one.entry,
        one.block,
        one.latent,
        one.component * other.component * coalesce(weights.coefficient, 1.0) as contribution,
        one.label,
        one.terms,
        one.score,
        list_filter(one.words, lambda term: list_contains(other.words, term)) as words,
        one.passages as passages_a,
        other.passages as passages_b,
        one.accession as accession_a,
        one.peak_start as start_a,
        one.peak_end as end_a,
        other.accession as accession_b,
        other.peak_start as start_b,
        other.peak_end as end_b
    from asked
    join known as one on asked.company_a = one.company_id
    join known as other
        on asked.company_b = other.company_id
        and one.entry = other.entry
        and one.block = other.block
        and one.latent = other.latent
    left join weights on one.view = weights.view
),
titles as (
    from titled((
        select list({
            'company_id': '',
            'entry': part.entry,
            'block': part.block,
            'latent': part.latent,
            'contribution': part.contribution,
            'label': part.label,
            'terms': part.terms,
            'words': part.words
        })
        from parts as part
        where part.label is not null and part.passages_a is not null and part.passages_b is not null
    ))
)
select
    part.* exclude (label, terms, score),
    titles.title as label,
    if(titles.title is null, null, part.score) as score
from asked
left join parts as part on true
left join titles
    on part.entry = titles.entry and part.block = titles.block and part.latent = titles.latent
where
    asked.company_a in (select one.company_id from known as one)
    and asked.company_b in (select one.company_id from known as one);
