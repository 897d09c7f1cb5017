-- What is Coca-Cola's description about?
from themes_of('KO');
