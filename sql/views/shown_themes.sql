-- The latents that may be shown as a reason at an as-of date: labelled, scored well, and not of every other company.
--
-- The one rule in SQL. Latents of tokens are words, no themes. A label counts from a detection score of .7 on documents
-- that neither made nor chose it; what over a third of the companies have tells nobody apart. It is said of a company
-- whose text has a word of it (told_vectors). All other latents add to `all others`.
create view shown_themes as
select
    theme.as_of,
    theme.view,
    theme.entry,
    theme.block,
    theme.latent,
    named.label,
    named.terms,
    named.detection_score,
    theme.companies,
    theme.share
from themes as theme
join latent_labels as named
    on theme.entry = named.entry and theme.block = named.block and theme.latent = named.latent
where theme.view = 'passages' and named.label <> '' and named.detection_score >= 0.7 and theme.share <= 1.0 / 3;
