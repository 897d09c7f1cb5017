"""A latent is called by its label, or by its number and its autoencoder."""

import polars as pl

from assets.latent_names import latent_names

LABELS = pl.DataFrame({"entry": ["e", "e", "f"], "block": [2, 2, 2], "latent": [0, 1, 0], "label": ["oil", "", "gas"]})


def test_a_latent_without_a_label_has_its_number_in_the_order_asked() -> None:
    latents = pl.DataFrame({"entry": ["f", "e", "e", "e"], "block": [2, 2, 2, 3], "latent": [0, 1, 0, 0]})
    assert latent_names(latents, LABELS).to_list() == ["gas", "latent 1 of e", "oil", "latent 0 of e"]
    assert latent_names(latents.clear(), LABELS).to_list() == []
