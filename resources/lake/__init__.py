"""Artefacts: tables, recipes, builds, and the folders that hold them."""
