"""Tables of sparse autoencoders: their corpus, the groups of blocks, training and scores."""

import pyarrow as pa

from assets.schemas.columns import (
    ACCESSION,
    BLOCK,
    ENTRY,
    FILED_AT,
    FLAG,
    INT,
    LONG,
    READ,
    REAL,
    TEXT,
    column,
    optional,
    table,
)

SAE_CORPUS = table("sae_corpus", "accession")(
    "The pinned filings whose tokens train and score the sparse autoencoders.",
    ACCESSION,
    FILED_AT,
    column("split", TEXT, "train, validation (tells when to stop) or held_out (scores alone): one for each document."),
    column("text", TEXT, "The description as it was when the corpus was drawn."),
    *READ,
)
LAYER_DISTANCES = table("layer_distances", "block_i block_j")(
    "Mean angular distance between the mean-centred residual streams of two blocks (Group-SAE, section 3).",
    column("block_i", INT, "Zero-based block."),
    column("block_j", INT, "Zero-based block."),
    column("distance", REAL, "Angular distance in [0, 1]: mean over tokens of arccos(cosine) / pi.", "1"),
    optional(
        "half_width",
        REAL,
        "Half of the distance's 95 % interval over documents; empty where fewer than 10 were read.",
        "1",
    ),
    column("tokens", LONG, "Tokens averaged over, massive activations left out.", "tokens"),
)
LAYER_GROUPS = table("layer_groups", "block")(
    "Which blocks share a sparse autoencoder.",
    column("group", TEXT, "Entry name, `blocks-08-11`."),
    BLOCK,
    column("strategy", TEXT, "How the partition was found."),
    column("diameter", REAL, "Largest distance inside the group; 0 for a group of one.", "1"),
    column("amad", REAL, "Mean over groups of their diameters (Group-SAE, equation 4), last block left out.", "1"),
    column("predicted_loss", REAL, "Mean over blocks of their group's diameter, last block left out.", "1"),
    column("cost_ratio", REAL, "Predicted FLOP over those of one SAE per block, harvest and last block counted.", "1"),
)
SAES = table("saes", "entry")(
    "One sparse autoencoder per row; its weights are `<entry>/sae.safetensors` beside the table.",
    ENTRY,
    column("blocks", pa.list_(pa.int32()), "Blocks whose residual streams it reads."),
    column("d_model", INT, "Width of the residual stream.", "dimensions"),
    column("n_latents", INT, "Width of the dictionary.", "latents"),
    column("activation", TEXT, "topk, batch_topk or jump_relu."),
    column("k", INT, "Latents active per token; of batch_topk and jump_relu, on average.", "latents"),
    optional("parent", TEXT, "The entry whose weights it started from; empty where trained from scratch."),
    column("tokens", LONG, "Tokens seen in training, the parent's not counted; 0 where others trained it.", "tokens"),
    column("flop", REAL, "Predicted FLOP of that training (docs/method.md), harvest not counted.", "FLOP"),
    optional("fvu", REAL, "Fraction of variance unexplained on the last training batches.", "1"),
    optional("validation_fvu", REAL, "The same on validation documents at the end, mean over its blocks.", "1"),
    column("sha256", TEXT, "Hash of its two files, settings and weights."),
)
SAE_CURVES = table("sae_curves", "entry tokens")(
    "Learning curves.",
    ENTRY,
    column("tokens", LONG, "Tokens seen so far.", "tokens"),
    column("fvu", REAL, "Fraction of variance unexplained on the batch, mean over its blocks.", "1"),
    optional("held_out_fvu", REAL, "The same on validation documents; empty where it was not measured.", "1"),
    column("dead_share", REAL, "Share of latents silent since the last 10 batches or longer.", "1"),
)
SAE_SCORES = table("sae_scores", "entry block")(
    "How faithful each sparse autoencoder is at each block, on held-out documents.",
    ENTRY,
    BLOCK,
    column("fvu", REAL, "Fraction of variance unexplained, mean per block, massive activations left out.", "1"),
    column("fvu_tokens", LONG, "Held-out tokens behind FVU, L0 and the dead share.", "tokens"),
    column("l0", REAL, "Mean number of active latents per token.", "latents"),
    column("dead_share", REAL, "Share of latents active on no held-out token of this block.", "1"),
    optional("mmcs", REAL, "Mean over latents of the largest decoder cosine with the entry it started from.", "1"),
    column("ce", REAL, "Next-token cross-entropy of the untouched model.", "nats"),
    column("ce_sae", REAL, "The same with this block's residual stream reconstructed.", "nats"),
    column("ce_ablated", REAL, "The same with this block's residual stream set to zero.", "nats"),
    column("ce_score", REAL, "(ce_ablated - ce_sae) / (ce_ablated - ce).", "1"),
    column("dce_percent", REAL, "Relative increase of cross-entropy, 100 (ce_sae - ce) / ce.", "%"),
    column("ce_tokens", LONG, "Held-out tokens behind the cross-entropies.", "tokens"),
)
PASSAGE_SAES = table("passage_saes", "entry")(
    "One autoencoder over passage vectors per row; its weights are `<entry>/sae.safetensors` beside the table.",
    *SAES.columns,
    column("seed", INT, "Seed of its start and of the order of its batches."),
    column("bundled", FLAG, "Whether it came with peerlens; else it was trained on the pinned passages."),
)
PASSAGE_SAE_CURVES = table("passage_sae_curves", "entry tokens")(
    "Learning curves of the autoencoders over passages.", *SAE_CURVES.columns
)
PASSAGE_SAE_SCORES = table("passage_sae_scores", "entry")(
    "How faithful each autoencoder over passages is, and whether another seed finds the same.",
    ENTRY,
    BLOCK,
    column("fvu", REAL, "Fraction of variance unexplained on validation passages.", "1"),
    column("passages", LONG, "Validation passages behind it.", "passages"),
    column("l0", REAL, "Mean number of active latents per passage.", "latents"),
    column("dead_share", REAL, "Share of latents active on no passage of the corpus.", "1"),
    optional(
        "overlap10", REAL, "Share of the ten nearest companies that the second one shares; empty without one.", "1"
    ),
    optional("mmcs", REAL, "Mean over latents of the largest decoder cosine with the second one's latents.", "1"),
)
