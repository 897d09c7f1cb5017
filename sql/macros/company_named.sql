-- The company that a ticker or company_id means: its newest ticker and its name; no row where nobody knows it.
create macro company_named(company) as table
select known.ticker, known.name, known.company_id
from company_directory as known
where known.company_id = company_id_of(company);
