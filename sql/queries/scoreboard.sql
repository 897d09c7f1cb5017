-- Which method foretells best which returns move together?
from scoreboard;
