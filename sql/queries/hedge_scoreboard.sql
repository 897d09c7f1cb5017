-- Which method's peers hedge best, next to peers of the same SIC-4 code and to random ones?
from hedge_scoreboard;
