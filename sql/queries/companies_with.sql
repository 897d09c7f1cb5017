-- Which companies have the commonest of the shown themes most?
from companies_with((select label from shown_themes join latest_as_of using (as_of) order by companies desc, label limit 1));
