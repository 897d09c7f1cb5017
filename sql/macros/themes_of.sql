-- What a company's description is about: its strongest shown themes, their share of its vector, and a passage of each.
--
-- A theme is called by the words of it that the text says, which are in [brackets] in the passage; share: of the squared
-- length of the vector, so what a theme adds to the cosine of the company with itself.
create macro themes_of(company, n := 10, as_of := null, method := 'sae') as table
with own as materialized (
    from company_evidence([company_id_of(company)], asked_as_of(as_of), method_with_reasons(method))
),
titles as (
    from titled((
        select list({
            'company_id': latents.company_id,
            'entry': latents.entry,
            'block': latents.block,
            'latent': latents.latent,
            'contribution': latents.component,
            'label': latents.label,
            'terms': latents.terms,
            'words': latents.words
        })
        from own as latents
        where latents.label is not null
    ))
),
named as (
    select
        titles.title as theme,
        sum(exact(latents.component ** 2))::double as squares,
        first(latents.score order by latents.component desc, latents.latent) as score,
        first(latents.words order by latents.component desc, latents.latent) as words,
        first(latents.passages order by latents.component desc, latents.latent) as passages
    from own as latents
    join titles
        on latents.entry = titles.entry and latents.block = titles.block and latents.latent = titles.latent
    group by titles.title
),
strongest as (
    select named.* exclude (words), word_pattern(named.words) as pattern
    from named
    qualify row_number() over (order by named.squares desc, named.theme) <= n
)
select
    strongest.theme,
    strongest.squares / (select sum(exact(latents.component ** 2)) from own as latents) as share,
    strongest.score,
    best_passages(strongest.passages, strongest.pattern, 1)[1] as passage
from strongest
order by strongest.squares desc, strongest.theme;
