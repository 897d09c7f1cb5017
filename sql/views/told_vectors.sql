-- The latents of every company at every as-of date, with the label of those that may be shown as a reason of it.
--
-- A latent is told where `shown_themes` has it and the company's text says a word of it (`words`); label, detection_score
-- are null elsewhere.
create view told_vectors as
select vector.*, shown.label, shown.terms, shown.detection_score
from company_vectors as vector
left join shown_themes as shown
    on vector.as_of = shown.as_of
    and vector.entry = shown.entry
    and vector.block = shown.block
    and vector.latent = shown.latent
    and len(vector.words) > 0;
