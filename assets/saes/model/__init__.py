"""The sparse autoencoder itself."""
