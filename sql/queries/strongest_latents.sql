-- What is most particular about Coca-Cola's description?
select vector.label, vector.weight, phrase(description.text, vector.peak_start, vector.peak_end) as words
from latest_vectors as vector
join descriptions as description using (accession)
where vector.company_id = company_id_of('KO')
order by vector.weight desc
limit 20;
