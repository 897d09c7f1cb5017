-- What every latent adds to a similarity, with its identifiers and the words at which it is strongest in each text.
--
-- For those who ask which latents are behind why_peers: all of them, those that are no reason, too (`shown` tells).
create macro why_latents(a, b, as_of := null, method := 'sae') as table
with parts as materialized (
    from pair_evidence(a, b, as_of, method)
),
-- Through a list for the reason that company_evidence has.
filings as materialized (
    select unnest(list_distinct(list(part.accession_a) || list(part.accession_b))) as accession
    from parts as part
),
texts as materialized (
    select description.accession, description.text
    from filings as filing
    join descriptions as description on filing.accession = description.accession
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
    part.contribution / nullif(sum(exact(part.contribution)) over (), 0) as share,
    phrase(text_a.text, part.start_a, part.end_a) as phrase_a,
    phrase(text_b.text, part.start_b, part.end_b) as phrase_b
from parts as part
left join latent_labels as named
    on part.entry = named.entry and part.block = named.block and part.latent = named.latent
left join texts as text_a on part.accession_a = text_a.accession
left join texts as text_b on part.accession_b = text_b.accession
where part.latent is not null
order by part.contribution desc, part.entry, part.block, part.latent;
