"""Sparse autoencoders: layer distances, groups of layers, training, transfer, scores, files."""
