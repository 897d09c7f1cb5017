-- Why were Coca-Cola and PepsiCo peers in December 2010?
from why_peers('KO', 'PEP', as_of := '2010-12');
