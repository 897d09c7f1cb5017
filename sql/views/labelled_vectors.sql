-- The latents of every company at every as-of date, with their labels.
create view labelled_vectors as
select
    vector.as_of,
    vector.company_id,
    vector.accession,
    vector.view,
    vector.entry,
    vector.block,
    vector.latent,
    coalesce(nullif(named.label, ''), 'latent ' || vector.latent || ' of ' || vector.entry) as label,
    vector.weight,
    vector.own_weight,
    vector.peak_start,
    vector.peak_end,
    vector.peak
from company_vectors as vector
left join latent_labels as named
    on vector.entry = named.entry and vector.block = named.block and vector.latent = named.latent;
