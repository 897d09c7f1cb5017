"""Daily adjusted closes, and the monthly log returns made of them."""
