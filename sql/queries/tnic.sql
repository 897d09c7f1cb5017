-- The text-based network of the newest date, as Hoberg and Phillips publish theirs.
from tnic;
