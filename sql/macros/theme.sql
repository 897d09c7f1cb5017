-- The shown themes that some words mean, the best match first: how sure the label is and how many companies have it.
--
-- A theme matches by its label, by the terms that were scored and by the words that wake it; `from theme('')` has all.
create macro theme(words, as_of := null) as table
with wanted as (
    select list_filter(
        string_split_regex(lower(words), '[^\pL\pM\pN]+'),
        lambda word: word not in ('', 'and', 'or', 'of', 'the', 'in', 'for', 'to', 'a')
    ) as words
),
known as (
    select
        shown.*,
        named.score_low,
        named.score_high,
        named.density,
        named.words,
        list_transform(list_concat([named.label], named.terms, named.words), lambda text: lower(text)) as texts
    from shown_themes as shown
    join latent_labels as named
        on shown.entry = named.entry and shown.block = named.block and shown.latent = named.latent
    where shown.as_of = asked_as_of(as_of)
),
matched as (
    select
        known.*,
        len(wanted.words) as asked,
        len(list_intersect(wanted.words, string_split_regex(lower(known.label), '[^\pL\pM\pN]+'))) as in_label,
        len(
            list_filter(
                wanted.words,
                lambda word: len(
                    list_filter(
                        known.texts, lambda text: contains(text, word) or starts_with(word, rtrim(text, '*'))
                    )
                ) > 0
            )
        ) as found
    from known
    cross join wanted
)
select
    matched.label as theme,
    matched.detection_score as score,
    matched.score_low,
    matched.score_high,
    matched.density,
    matched.companies,
    matched.share,
    matched.words[:8] as words
from matched
where matched.found > 0 or matched.asked = 0
order by matched.found desc, matched.in_label desc, matched.companies desc, matched.label;
