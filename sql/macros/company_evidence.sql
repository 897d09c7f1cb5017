-- The latents of some companies as a method compares them, and the passages of those that may be shown.
--
-- label, score and passages are there where `told_vectors` has a label and the text has a passage of the latent: up to
-- three, the strongest first, as they are in the text. `best_passages` marks and sorts them: that takes longer than all
-- else here, so do it last, of what is shown. company_ids is a list; as_of is a date of `asked_as_of`.
create macro company_evidence(company_ids, as_of, method) as table
with asked as (
    select distinct unnest(company_ids) as company_id, as_of as as_of, method as method
),
vectors as materialized (
    select told.*, component(asked.method, told.view, told.weight, told.own_weight) as component
    from asked
    join told_vectors as told on asked.company_id = told.company_id and asked.as_of = told.as_of
),
-- Through a list, of which DuckDB expects one row: else it takes the texts of all companies for the smaller side of the
-- join below, and holds one for each passage.
filings as materialized (
    select unnest(list(distinct vector.accession)) as accession
    from vectors as vector
    where vector.label is not null and vector.component is not null
),
texts as materialized (
    select description.accession, description.text
    from filings as filing
    join descriptions as description on filing.accession = description.accession
),
places as materialized (
    select
        strongest.accession,
        strongest.entry,
        strongest.block,
        strongest.latent,
        strongest.rank,
        strongest.start,
        strongest.end
    from filings as filing
    join theme_passages as strongest on filing.accession = strongest.accession
),
proofs as materialized (
    select
        place.accession,
        place.entry,
        place.block,
        place.latent,
        list(
            {'rank': place.rank, 'passage': substr(texts.text, place.start + 1, place.end - place.start)}
            order by place.rank
        ) as passages
    from places as place
    join texts on place.accession = texts.accession
    group by place.accession, place.entry, place.block, place.latent
)
select
    vector.as_of,
    vector.company_id,
    vector.accession,
    vector.view,
    vector.entry,
    vector.block,
    vector.latent,
    vector.component,
    vector.peak_start,
    vector.peak_end,
    if(proofs.passages is null, null, vector.label) as label,
    if(proofs.passages is null, null, vector.detection_score) as score,
    vector.terms,
    vector.words,
    proofs.passages
from vectors as vector
left join proofs
    on vector.label is not null
    and vector.accession = proofs.accession
    and vector.entry = proofs.entry
    and vector.block = proofs.block
    and vector.latent = proofs.latent
where vector.component is not null;
