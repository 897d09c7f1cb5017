-- Who else has Coca-Cola's strongest theme?
from companies_with((select theme from themes_of('KO', n := 1)));
