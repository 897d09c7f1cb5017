-- Which method predicts best which returns move together?
from scoreboard;
