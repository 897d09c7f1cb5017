"""The firm-centred scoreboard: whether the peers that a method names move with a company later."""
