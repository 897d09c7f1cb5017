"""Which blocks share an autoencoder (paper B)."""
