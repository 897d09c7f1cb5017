-- The passages of two companies side by side, theme by theme, strongest first; words that wake a theme in [brackets].
--
-- A passage of one company stands beside that of the same rank of the other; one of them may have fewer.
create macro evidence(a, b, as_of := null, method := 'sae') as table
with known as (
    select part.*, word_pattern(part.words) as pattern
    from pair_evidence(a, b, as_of, method) as part
    where part.label is not null
),
marked_parts as (
    select
        part.label,
        part.contribution,
        part.latent,
        best_passages(part.passages_a, part.pattern, 3) as passages_a,
        best_passages(part.passages_b, part.pattern, 3) as passages_b
    from known as part
),
themed as (
    select
        part.label as theme,
        sum(exact(part.contribution))::double as contribution,
        flatten(list(part.passages_a order by part.contribution desc, part.latent)) as passages_a,
        flatten(list(part.passages_b order by part.contribution desc, part.latent)) as passages_b
    from marked_parts as part
    group by part.label
),
-- Two latents of one name may be strongest on the same passage: it is shown once.
once as (
    select
        themed.theme,
        themed.contribution,
        list_filter(
            themed.passages_a, lambda passage, place: list_position(themed.passages_a, passage) = place
        ) as passages_a,
        list_filter(
            themed.passages_b, lambda passage, place: list_position(themed.passages_b, passage) = place
        ) as passages_b
    from themed
)
select
    once.theme,
    once.contribution,
    place.rank,
    once.passages_a[place.rank] as passage_a,
    once.passages_b[place.rank] as passage_b
from once
join (select unnest([1, 2, 3]) as rank) as place
    on place.rank <= greatest(len(once.passages_a), len(once.passages_b))
order by once.contribution desc, once.theme, place.rank;
