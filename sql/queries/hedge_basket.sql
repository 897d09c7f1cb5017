-- What should be sold against Coca-Cola, and how well did it offset it?
from hedge_basket('KO', n := 5);
