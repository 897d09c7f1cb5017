-- The latents of some companies as a method compares them, and the passages of those that may be shown.
--
-- label and passages are there where `shown_themes` has the latent and the text reaches its level and has a passage of
-- it: up to three, those with a word of the theme first, then the strongest, the words in [brackets]. Of a latent over
-- tokens it is the sentence around the token on which it is strongest. company_ids is a list; as_of is a date of
-- `asked_as_of`.
create macro company_evidence(company_ids, as_of, method) as table
with asked as (
    select distinct unnest(company_ids) as company_id, as_of as as_of, method as method
),
vectors as materialized (
    select
        vector.*,
        component(asked.method, vector.view, vector.weight, vector.own_weight) as component
    from asked
    join company_vectors as vector on asked.company_id = vector.company_id and asked.as_of = vector.as_of
),
shown as materialized (
    select vector.*, themed.label, themed.detection_score
    from vectors as vector
    join shown_themes as themed
        on vector.as_of = themed.as_of
        and vector.entry = themed.entry
        and vector.block = themed.block
        and vector.latent = themed.latent
        and vector.peak >= themed.level
    where vector.component is not null
),
patterns as materialized (
    select named.entry, named.block, named.latent, word_pattern(list_concat(named.words, named.terms)) as pattern
    from latent_labels as named
    where named.latent in (select themed.latent from shown as themed)
),
places as materialized (
    select
        themed.company_id,
        themed.entry,
        themed.block,
        themed.latent,
        coalesce(strongest.rank, 1) as rank,
        case
            when themed.view = 'tokens' then sentence(description.text, themed.peak_start, themed.peak_end)
            else substr(description.text, strongest.start + 1, strongest.end - strongest.start)
        end as passage
    from shown as themed
    left join theme_passages as strongest
        on themed.accession = strongest.accession
        and themed.entry = strongest.entry
        and themed.block = strongest.block
        and themed.latent = strongest.latent
    join descriptions as description on themed.accession = description.accession
    where themed.view = 'tokens' or strongest.rank is not null
),
proofs as (
    select
        place.company_id,
        place.entry,
        place.block,
        place.latent,
        list(
            marked(place.passage, woken.pattern)
            order by coalesce(regexp_matches(fenced(place.passage), woken.pattern), false) desc, place.rank
        ) as passages
    from places as place
    join patterns as woken
        on place.entry = woken.entry and place.block = woken.block and place.latent = woken.latent
    group by place.company_id, place.entry, place.block, place.latent
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
    if(proofs.passages is null, null, themed.label) as label,
    if(proofs.passages is null, null, themed.detection_score) as score,
    proofs.passages
from vectors as vector
left join shown as themed
    on vector.company_id = themed.company_id
    and vector.entry = themed.entry
    and vector.block = themed.block
    and vector.latent = themed.latent
left join proofs
    on vector.company_id = proofs.company_id
    and vector.entry = proofs.entry
    and vector.block = proofs.block
    and vector.latent = proofs.latent
where vector.component is not null;
