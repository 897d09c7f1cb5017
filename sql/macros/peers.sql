-- The nearest companies at an as-of date, and the three themes that say best why, where the method has reasons.
--
-- as_of: a month ('2011-12') or a date; the newest where it is null. similarity: cosine of what the method sees; with
-- sae, sae_passages and sae_tokens the number that the rows of why_peers add up to, and reason names its three largest
-- themes, none where none is shown. Other methods keep as many companies as `clusters.neighbours` of the profile says,
-- and no reasons; but of stack reason names the three parts that add most, and similarity is the correlation foretold.
-- sic and same_major_group are those known at the date.
create macro peers(company, n := 10, as_of := null, method := 'sae') as table
with asked as (
    select
        company_id_of(company) as company_id,
        asked_as_of(as_of) as as_of,
        method_with_neighbours(method) as method
),
vectors as materialized (
    select
        vector.company_id,
        vector.entry,
        vector.block,
        vector.latent,
        component(asked.method, vector.view, vector.weight, vector.own_weight) as component
    from asked
    join company_vectors as vector on asked.as_of = vector.as_of and asked.method <> 'stack'
),
-- Grouped, though every group is one row: else DuckDB joins all companies with all before it picks one.
own as (
    select vector.company_id, vector.entry, vector.block, vector.latent, max(vector.component) as component
    from asked
    join vectors as vector on asked.company_id = vector.company_id
    where vector.component is not null
    group by vector.company_id, vector.entry, vector.block, vector.latent
),
parts as materialized (
    select
        other.company_id,
        own.entry,
        own.block,
        own.latent,
        own.component * other.component as contribution
    from own
    join vectors as other on own.entry = other.entry and own.block = other.block and own.latent = other.latent
    where own.company_id <> other.company_id
),
similarities as (
    select part.company_id, sum(exact(part.contribution))::double as similarity
    from parts as part
    group by part.company_id
),
ranked as materialized (
    select
        row_number() over (order by near.similarity desc, near.company_id) as rank,
        near.company_id,
        near.similarity
    from similarities as near
    qualify rank <= n
    union all
    select near.rank, near.peer_id as company_id, near.similarity
    from asked
    join nearest_companies as near
        on asked.company_id = near.company_id and asked.as_of = near.as_of and asked.method = near.method
    where asked.method not in ('sae', 'sae_passages', 'sae_tokens') and near.rank <= n
),
-- What may be shown of these companies, is said by their text and has a passage: why_peers shows the same.
proven as materialized (
    select told.company_id, told.entry, told.block, told.latent, told.label, told.terms, told.words
    from asked
    join told_vectors as told on asked.as_of = told.as_of
    join theme_passages as strongest
        on told.accession = strongest.accession
        and told.entry = strongest.entry
        and told.block = strongest.block
        and told.latent = strongest.latent
        and strongest.rank = 1
    where
        told.label is not null
        and told.company_id in (
            select near.company_id from ranked as near union all select asked.company_id from asked
        )
),
titles as (
    from titled((
        select list({
            'company_id': part.company_id,
            'entry': part.entry,
            'block': part.block,
            'latent': part.latent,
            'contribution': part.contribution,
            'label': own.label,
            'terms': own.terms,
            'words': list_filter(own.words, lambda term: list_contains(other.words, term))
        })
        from asked
        join proven as own on asked.company_id = own.company_id
        join proven as other on own.entry = other.entry and own.block = other.block and own.latent = other.latent
        join parts as part
            on other.company_id = part.company_id
            and other.entry = part.entry
            and other.block = part.block
            and other.latent = part.latent
    ))
),
merged as (
    select titles.company_id, titles.title, sum(exact(titles.contribution))::double as contribution
    from titles
    group by titles.company_id, titles.title
),
reasons as (
    select
        array_to_string(list(part.title order by part.contribution desc, part.title)[:3], ' / ') as reason,
        part.company_id
    from merged as part
    group by part.company_id
    union all
    select
        array_to_string(
            (
                list(part_name(part.part) order by part.value desc, part.part)
                    filter (part.value > 0 and part.part <> 'any_pair')
            )[:3],
            ' / '
        ) as reason,
        part.neighbour_id as company_id
    from asked
    join stack_parts as part
        on asked.method = 'stack' and asked.as_of = part.as_of and asked.company_id = part.company_id
    group by part.neighbour_id
)
select
    ranked.rank,
    peer.ticker,
    peer.name,
    ranked.similarity,
    coded.sic,
    coded.major_group = self.major_group as same_major_group,
    reasons.reason,
    ranked.company_id
from asked
join ranked on true
join company_directory as peer on ranked.company_id = peer.company_id
left join reasons on ranked.company_id = reasons.company_id
left join sic_groups as coded on ranked.company_id = coded.company_id and asked.as_of = coded.as_of
left join sic_groups as self on asked.company_id = self.company_id and asked.as_of = self.as_of
order by ranked.rank;
