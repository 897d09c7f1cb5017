-- What every latent that two companies share adds to their similarity, and where each text has it: the facts under why.
--
-- label and passages are there where the latent may be shown: `shown_themes` has it, and both texts have a passage. The
-- passages are in order, those with a word of the theme first. One row without a latent stands for two companies that
-- share none. as_of, method: as in why_peers.
create macro pair_evidence(a, b, as_of, method) as table
with asked as (
    select
        asked_as_of(as_of) as as_of,
        method_with_reasons(method) as method,
        company_id_of(a) as company_a,
        company_id_of(b) as company_b
),
vectors as materialized (
    select
        vector.*,
        asked.company_a,
        asked.company_b,
        component(asked.method, vector.view, vector.weight, vector.own_weight) as component
    from asked
    join company_vectors as vector on asked.as_of = vector.as_of
    where vector.company_id in (asked.company_a, asked.company_b)
),
parts as materialized (
    select
        one.as_of,
        one.company_a,
        one.company_b,
        one.view,
        one.entry,
        one.block,
        one.latent,
        one.component * other.component as contribution
    from vectors as one
    join vectors as other on one.entry = other.entry and one.block = other.block and one.latent = other.latent
    where
        one.company_id = one.company_a
        and other.company_id = one.company_b
        and one.component is not null
),
proofs as (
    select
        proof.entry,
        proof.block,
        proof.latent,
        any_value(proof.label) as label,
        any_value(proof.detection_score) as score,
        list(proof.passage order by proof.worded desc, proof.rank)
            filter (proof.company_id = part.company_a) as passages_a,
        list(proof.passage order by proof.worded desc, proof.rank)
            filter (proof.company_id = part.company_b) as passages_b
    from parts as part
    join theme_evidence as proof
        on part.as_of = proof.as_of
        and part.entry = proof.entry
        and part.block = proof.block
        and part.latent = proof.latent
        and (part.company_a = proof.company_id or part.company_b = proof.company_id)
    group by proof.entry, proof.block, proof.latent
    having passages_a is not null and passages_b is not null
)
select
    asked.as_of,
    asked.company_a,
    asked.company_b,
    part.view,
    part.entry,
    part.block,
    part.latent,
    part.contribution,
    proofs.label,
    proofs.score,
    proofs.passages_a,
    proofs.passages_b
from asked
left join parts as part on true
left join proofs on part.entry = proofs.entry and part.block = proofs.block and part.latent = proofs.latent
where
    exists (from vectors as known where known.company_id = known.company_a)
    and exists (from vectors as known where known.company_id = known.company_b);
