-- The nearest companies at an as-of date, and with method sae the latents that make them so.
--
-- as_of: a month ('2011-12') or a date; the newest where it is null. similarity: cosine of what the method sees; with
-- sae of the latent vectors, the number that the rows of why_peers add up to. Other methods keep as many as
-- `clusters.neighbours` of the profile says, and no reasons. sic and same_major_group are those known at the date.
create macro peers(company, n := 10, as_of := null, method := 'sae') as table
with asked as (
    select
        company_id_of(company) as company_id,
        asked_as_of(as_of) as as_of,
        method_with_neighbours(method) as method
),
own as (
    select vector.*
    from asked
    join labelled_vectors as vector on asked.company_id = vector.company_id and asked.as_of = vector.as_of
    where asked.method = 'sae'
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
    join labelled_vectors as other
        on own.as_of = other.as_of
        and own.entry = other.entry
        and own.block = other.block
        and own.latent = other.latent
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
    union all
    select near.rank, near.peer_id as company_id, near.similarity, null as reason
    from asked
    join neighbours as near
        on asked.company_id = near.company_id and asked.as_of = near.as_of and asked.method = near.method
    where asked.method <> 'sae'
)
select
    ranked.rank,
    peer.ticker,
    peer.name,
    ranked.similarity,
    coded.sic,
    coded.major_group = self.major_group as same_major_group,
    ranked.reason,
    ranked.company_id
from asked
join ranked on ranked.rank <= n
join company_directory as peer on ranked.company_id = peer.company_id
left join sic_groups as coded on ranked.company_id = coded.company_id and asked.as_of = coded.as_of
left join sic_groups as self on asked.company_id = self.company_id and asked.as_of = self.as_of
order by ranked.rank;
