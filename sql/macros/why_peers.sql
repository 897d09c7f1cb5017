-- Why two companies are similar: what each theme adds, with a passage of each company, the words that wake it [marked].
--
-- The contributions add up to the similarity in peers. A theme is shown where `shown_themes` has it and both texts have
-- a passage of it; `all others` is the rest, `latents` counts what is in a row. as_of: a month ('2011-12') or a date;
-- the newest where it is null. Methods sae, sae_passages and sae_tokens have reasons that add up. why_latents has the
-- same by latent, evidence more passages.
create macro why_peers(a, b, as_of := null, method := 'sae') as table
with parts as (
    from pair_parts(a, b, as_of, method)
),
proofs as (
    from pair_evidence(a, b, as_of, method)
),
shown as (
    select
        proof.entry,
        proof.block,
        proof.latent,
        any_value(proof.label) as label,
        any_value(proof.detection_score) as score,
        any_value(proof.contribution) as contribution,
        first(proof.passage order by proof.worded desc, proof.rank) filter (proof.side = 'a') as passage_a,
        first(proof.passage order by proof.worded desc, proof.rank) filter (proof.side = 'b') as passage_b
    from proofs as proof
    group by proof.entry, proof.block, proof.latent
),
total as (
    select fsum(part.contribution) as similarity from parts as part
),
listed as (
    select
        0 as place,
        shown.label as theme,
        fsum(shown.contribution) as contribution,
        first(shown.score order by shown.contribution desc, shown.latent) as score,
        first(shown.passage_a order by shown.contribution desc, shown.latent) as passage_a,
        first(shown.passage_b order by shown.contribution desc, shown.latent) as passage_b,
        count(*) as latents
    from shown
    group by shown.label
    union all by name
    select
        1 as place,
        'all others' as theme,
        coalesce(fsum(part.contribution), 0.0) as contribution,
        count(part.latent) as latents
    from (
        from parts as part
        anti join shown on part.entry = shown.entry and part.block = shown.block and part.latent = shown.latent
    ) as part
    having
        (
            select count(distinct vector.company_id)
            from compared_vectors(asked_as_of(as_of), method_with_reasons(method)) as vector
            where vector.company_id in (company_id_of(a), company_id_of(b))
        ) = if(company_id_of(a) = company_id_of(b), 1, 2)
)
select
    listed.theme,
    listed.contribution / nullif(total.similarity, 0.0) as share,
    listed.contribution,
    listed.score,
    listed.passage_a,
    listed.passage_b,
    listed.latents
from listed
cross join total
order by listed.place, listed.contribution desc, listed.theme;
