-- The passages of two companies side by side, theme by theme, strongest first; words that wake a theme in [brackets].
--
-- A passage of one company stands beside that of the same rank of the other; one of them may have fewer.
create macro evidence(a, b, as_of := null, method := 'sae') as table
with proofs as (
    from pair_evidence(a, b, as_of, method)
),
themes_shown as (
    select each.label, fsum(each.contribution) as contribution
    from (
        select distinct proof.label, proof.entry, proof.block, proof.latent, proof.contribution
        from proofs as proof
    ) as each
    group by each.label
),
passages_once as (
    select
        proof.label,
        proof.side,
        proof.passage,
        bool_or(proof.worded) as worded,
        min(proof.rank) as rank,
        max(proof.contribution) as contribution
    from proofs as proof
    group by proof.label, proof.side, proof.passage
),
numbered as (
    select
        once.label,
        once.side,
        once.passage,
        row_number() over (
            partition by once.label, once.side
            order by once.worded desc, once.contribution desc, once.rank, once.passage
        ) as rank
    from passages_once as once
)
select
    themed.label as theme,
    themed.contribution,
    numbered.rank,
    any_value(numbered.passage) filter (numbered.side = 'a') as passage_a,
    any_value(numbered.passage) filter (numbered.side = 'b') as passage_b
from themes_shown as themed
join numbered on themed.label = numbered.label
where numbered.rank <= 3
group by themed.label, themed.contribution, numbered.rank
order by themed.contribution desc, themed.label, numbered.rank;
