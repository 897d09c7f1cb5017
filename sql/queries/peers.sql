-- Who is most like Coca-Cola, and are they in the same industry by SIC?
from peers('KO', n := 10);
