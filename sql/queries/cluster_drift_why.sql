-- Who moved to another peer group with a new filing, and what does it say that the old one does not?
select as_of, method, company_id, jaccard, themes_gained, themes_lost, accession_before, accession
from cluster_drift
where change = 'moved' and accession_before <> accession
order by as_of, method, company_id;
