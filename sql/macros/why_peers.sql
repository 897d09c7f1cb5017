-- Why two companies are similar: what each theme adds, with a passage of each company, the words that wake it [marked].
--
-- The contributions add up to the similarity in peers. A theme is shown where `shown_themes` has it and both texts say
-- its label and have a passage of it; `all others` is the rest, `latents` counts what is in a row. as_of: a month
-- ('2011-12') or a date; the newest where it is null. Methods sae, sae_passages and sae_tokens have reasons that add up.
-- So has stack, of nearest companies: beside themes, weighed by what they are worth, what words, SIC codes and past
-- returns add, and what any two companies have. why_latents has the same by latent, evidence more passages.
create macro why_peers(a, b, as_of := null, method := 'sae') as table
with of_latents as (
    select
        coalesce(part.label, 'all others') as theme,
        part.label is null as other,
        coalesce(sum(exact(part.contribution)), 0)::double as contribution,
        first(part.score order by part.contribution desc, part.latent) as score,
        first(part.words order by part.contribution desc, part.latent) as words,
        first(part.passages_a order by part.contribution desc, part.latent) as passages_a,
        first(part.passages_b order by part.contribution desc, part.latent) as passages_b,
        count(part.latent) as latents
    from pair_evidence(a, b, as_of, method) as part
    group by part.label
),
listed as (
    select of_latents.* from of_latents
    union all by name
    select part_name(pair.part) as theme, false as other, pair.value as contribution, 0 as latents
    from stack_pair(company_id_of(a), company_id_of(b), asked_as_of(as_of), method) as pair
    where pair.part not in ('passages', 'tokens') and pair.value <> 0
),
total as (
    select sum(exact(listed.contribution))::double as similarity from listed
),
-- Where every latent is shown the row of the others says so.
complete as (
    select listed.* exclude (words), word_pattern(listed.words) as pattern
    from listed
    union all by name
    select 'all others' as theme, true as other, 0.0 as contribution, 0 as latents
    from total
    where total.similarity is not null and not exists (from listed where listed.other)
)
select
    complete.theme,
    complete.contribution / nullif(total.similarity, 0.0) as share,
    complete.contribution,
    complete.score,
    best_passages(complete.passages_a, complete.pattern, 1)[1] as passage_a,
    best_passages(complete.passages_b, complete.pattern, 1)[1] as passage_b,
    complete.latents
from complete
cross join total
order by complete.other, complete.contribution desc, complete.theme;
