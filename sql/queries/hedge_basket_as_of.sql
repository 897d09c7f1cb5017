-- What would have offset Coca-Cola in 2011, chosen by what was known at the end of 2010?
from hedge_basket('KO', n := 5, as_of := '2010-12');
