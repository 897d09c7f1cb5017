-- The latents of every company at the newest as-of date, with their labels.
create view latest_vectors as
select
    vector.company_id,
    vector.accession,
    vector.entry,
    vector.block,
    vector.latent,
    coalesce(nullif(named.label, ''), 'latent ' || vector.latent || ' of ' || vector.entry) as label,
    vector.weight,
    vector.peak_start,
    vector.peak_end
from company_vectors as vector
join latest_as_of as latest on vector.as_of = latest.as_of
left join latent_labels as named
    on vector.entry = named.entry and vector.block = named.block and vector.latent = named.latent;
