-- What do themes, words, SIC codes and past returns foretell of the correlation of Coca-Cola and PepsiCo?
from why_peers('KO', 'PEP', method := 'stack');
