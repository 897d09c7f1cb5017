-- What do Coca-Cola and PepsiCo themselves write about what they share?
from evidence('KO', 'PEP');
