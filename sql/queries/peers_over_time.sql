-- Who came to the five nearest companies of Coca-Cola, and who went?
from peers_over_time('KO', n := 5);
