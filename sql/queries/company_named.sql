-- Which company is KO?
from company_named('KO');
