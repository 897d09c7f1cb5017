-- The nearest companies at the newest as-of date, and the latents that make them so.
--
-- similarity: cosine of the latent vectors, the number that the rows of why_peers add up to.
create macro peers(company, n := 10) as table
with own as (
    select vector.*
    from latest_vectors as vector
    where vector.company_id = company_id_of(company)
),
contributions as (
    select
        other.company_id,
        other.entry,
        other.block,
        other.latent,
        other.label,
        own.weight * other.weight as contribution
    from own
    join latest_vectors as other
        on own.entry = other.entry and own.block = other.block and own.latent = other.latent
    where own.company_id <> other.company_id
),
similarities as (
    select
        part.company_id,
        fsum(part.contribution) as similarity,
        list(part.label order by part.contribution desc, part.entry, part.block, part.latent) as labels
    from contributions as part
    group by part.company_id
),
ranked as (
    select
        row_number() over (order by near.similarity desc, near.company_id) as rank,
        near.company_id,
        near.similarity,
        array_to_string(near.labels[:3], '; ') as reason
    from similarities as near
)
select
    ranked.rank,
    peer.ticker,
    peer.name,
    ranked.similarity,
    peer.sic,
    peer.major_group = self.major_group as same_major_group,
    ranked.reason,
    ranked.company_id
from ranked
join company_directory as peer on ranked.company_id = peer.company_id
join company_directory as self on self.company_id = company_id_of(company)
where ranked.rank <= n
order by ranked.rank;
