-- The passages of two companies behind each shown theme that both texts have: the facts under why_peers and evidence.
--
-- One row per latent, company (`side` a or b) and passage; a latent with a passage in one text only is in none.
create macro pair_evidence(a, b, as_of, method) as table
with parts as (
    from pair_parts(a, b, as_of, method)
),
sides as (
    select part.*, 'a' as side, part.company_a as company_id from parts as part
    union all
    select part.*, 'b' as side, part.company_b as company_id from parts as part
)
select
    sides.entry,
    sides.block,
    sides.latent,
    proof.label,
    proof.detection_score,
    sides.contribution,
    sides.side,
    proof.rank,
    proof.passage,
    proof.worded
from sides
join theme_evidence as proof
    on sides.as_of = proof.as_of
    and sides.company_id = proof.company_id
    and sides.entry = proof.entry
    and sides.block = proof.block
    and sides.latent = proof.latent
qualify count(distinct sides.side) over (partition by sides.entry, sides.block, sides.latent) = 2;
