-- What every latent adds to a similarity, with its identifiers and the words at which it is strongest in each text.
--
-- For those who ask which latents are behind why_peers: all of them, those that are no reason, too (`shown` tells).
create macro why_latents(a, b, as_of := null, method := 'sae') as table
with parts as materialized (
    from pair_evidence(a, b, as_of, method)
)
select
    part.view,
    part.entry,
    part.block,
    part.latent,
    named.label,
    named.detection_score as score,
    part.label is not null as shown,
    part.contribution,
    part.contribution / nullif(fsum(part.contribution) over (), 0.0) as share,
    phrase(text_a.text, one.peak_start, one.peak_end) as phrase_a,
    phrase(text_b.text, other.peak_start, other.peak_end) as phrase_b
from parts as part
join company_vectors as one
    on part.as_of = one.as_of
    and part.company_a = one.company_id
    and part.entry = one.entry
    and part.block = one.block
    and part.latent = one.latent
join company_vectors as other
    on part.as_of = other.as_of
    and part.company_b = other.company_id
    and part.entry = other.entry
    and part.block = other.block
    and part.latent = other.latent
left join latent_labels as named
    on part.entry = named.entry and part.block = named.block and part.latent = named.latent
left join descriptions as text_a on one.accession = text_a.accession
left join descriptions as text_b on other.accession = text_b.accession
order by part.contribution desc, part.entry, part.block, part.latent;
