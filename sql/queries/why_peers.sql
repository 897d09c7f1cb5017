-- Why are Coca-Cola and PepsiCo peers? The contributions add up to their similarity.
from why_peers('KO', 'PEP');
