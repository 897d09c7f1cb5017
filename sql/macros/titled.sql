-- What themes are called as reasons: each by the first three words of it that are said, and no word twice.
--
-- themes: a list of structs company_id, entry, block, latent, contribution, label, terms and words: terms that are said;
-- those of a company_id are told apart, the strongest first. A word that a stronger one shows is left out; a theme that
-- has no other word has the title of the strongest that shows its first. Python's rule is in assets/theme_titles.py.
create macro titled(themes) as table
with listed as (
    select unnest(themes) as theme
),
ranked as materialized (
    select
        row_number() over (
            order by
                listed.theme.contribution desc, listed.theme.entry, listed.theme.block, listed.theme.latent,
                listed.theme.company_id
        ) as number,
        listed.theme
    from listed
    where len(listed.theme.words) > 0
),
said as (
    select
        ranked.number,
        ranked.theme.company_id,
        ranked.theme.label,
        ranked.theme.terms,
        unnest(ranked.theme.words) as term,
        generate_subscripts(ranked.theme.words, 1) as place
    from ranked
),
-- A term of a label is shown as the part of the label at its place: a prefix as its commonest word.
named as (
    select
        said.number,
        said.company_id,
        said.place,
        coalesce(string_split(said.label, ', ')[list_position(said.terms, said.term)], rtrim(said.term, '*')) as word
    from said
),
different as (
    select named.*, head_word(named.word) as head
    from named
    qualify row_number() over (partition by named.number, head_word(named.word) order by named.place) = 1
),
shown as (
    select different.*
    from different
    qualify row_number() over (partition by different.number order by different.place) <= 3
),
owned as (
    select shown.*, min(shown.number) over (partition by shown.company_id, shown.head) as owner
    from shown
),
own as materialized (
    select
        owned.number,
        string_agg(owned.word, ', ' order by owned.place) filter (owned.owner = owned.number) as title,
        first(owned.owner order by owned.place) as stronger
    from owned
    group by owned.number
)
select
    ranked.theme.company_id,
    ranked.theme.entry,
    ranked.theme.block,
    ranked.theme.latent,
    ranked.theme.contribution,
    coalesce(own.title, stronger.title) as title
from ranked
join own on ranked.number = own.number
join own as stronger on own.stronger = stronger.number;
