-- What would have offset Coca-Cola, and how well?
from hedge_basket('KO', n := 5);
