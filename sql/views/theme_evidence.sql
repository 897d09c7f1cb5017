-- Where a company's description has a shown theme: up to three passages, the words that wake the theme in [brackets].
--
-- rank: 1 is the strongest. worded: whether the passage has such a word. Of a latent over tokens it is the sentence
-- around the token on which it is strongest. Filter by as_of and company_id: the passages are cut out when asked for.
create view theme_evidence as
with places as (
    select
        vector.as_of,
        vector.company_id,
        vector.accession,
        vector.entry,
        vector.block,
        vector.latent,
        strongest.rank,
        strongest.start as first_character,
        strongest.end as last_character,
        false as is_token
    from company_vectors as vector
    join theme_passages as strongest
        on vector.accession = strongest.accession
        and vector.entry = strongest.entry
        and vector.block = strongest.block
        and vector.latent = strongest.latent
    union all
    select
        vector.as_of,
        vector.company_id,
        vector.accession,
        vector.entry,
        vector.block,
        vector.latent,
        1 as rank,
        vector.peak_start as first_character,
        vector.peak_end as last_character,
        true as is_token
    from company_vectors as vector
    where vector.view = 'tokens'
),
passages_found as (
    select
        place.as_of,
        place.company_id,
        place.entry,
        place.block,
        place.latent,
        shown.label,
        shown.detection_score,
        place.rank,
        word_pattern(list_concat(named.words, named.terms)) as pattern,
        case
            when place.is_token then sentence(description.text, place.first_character, place.last_character)
            else substr(description.text, place.first_character + 1, place.last_character - place.first_character)
        end as passage
    from places as place
    join shown_themes as shown
        on place.as_of = shown.as_of
        and place.entry = shown.entry
        and place.block = shown.block
        and place.latent = shown.latent
    join latent_labels as named
        on place.entry = named.entry and place.block = named.block and place.latent = named.latent
    join descriptions as description on place.accession = description.accession
)
select
    found.as_of,
    found.company_id,
    found.entry,
    found.block,
    found.latent,
    found.label,
    found.detection_score,
    found.rank,
    marked(found.passage, found.pattern) as passage,
    coalesce(regexp_matches(fenced(found.passage), found.pattern), false) as worded
from passages_found as found;
