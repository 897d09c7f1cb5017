"""Tables of features: latents of filings, their labels, and the vectors that are compared."""

import pyarrow as pa

from assets.schemas.columns import (
    ACCESSION,
    AS_OF,
    COMPANY_ID,
    FILING,
    INT,
    LATENT_KEY,
    REAL,
    TEXT,
    TEXTS,
    by_filing,
    column,
    optional,
    table,
)

COMPANY_FEATURES = by_filing("company_features", "accession entry block latent pooling")(
    "Latent activations pooled over the tokens of a description; rows that would be 0 are left out.",
    *FILING,
    *LATENT_KEY,
    column("pooling", TEXT, "mean, max, sum or log1p_sum over tokens."),
    column("value", REAL, "Pooled activation.", "scaled activation"),
    column("peak_position", INT, "Token at which the latent is strongest.", "tokens"),
    column("peak_start", INT, "First character of that token in the description.", "characters"),
    column("peak_end", INT, "End of that token in the description.", "characters"),
)
LATENT_LABELS = table("latent_labels", "entry block latent")(
    "What a latent seems to stand for, from the training tokens on which it is strongest.",
    *LATENT_KEY,
    column("label", TEXT, "Words on which the latent is strongest, or `near` and words around those places."),
    column("top_tokens", TEXTS, "Words on which it is strongest."),
    column("examples", TEXTS, "Windows of text around the strongest tokens, the token in [brackets]."),
    column("density", REAL, "Share of training tokens on which it is active.", "1"),
    column("documents", INT, "Training documents in which it is active.", "documents"),
    optional(
        "detection_score",
        REAL,
        "Accuracy of the label in telling active from inactive windows; empty where not measured.",
        "1",
    ),
)
COMPANY_EMBEDDINGS = by_filing("company_embeddings")(
    "The sentence-embedding baseline: mean over chunks of at most the model's window, unit length.",
    *FILING,
    column("model", TEXT, "Embedding model."),
    column("embedding", pa.list_(pa.float32()), "The vector.", "1"),
)
COMPANY_VECTORS = table("company_vectors", "as_of company_id entry block latent")(
    "The latent vectors that similarity is computed on: weighted by what was known at the as-of date, unit length.",
    AS_OF,
    COMPANY_ID,
    ACCESSION,
    *LATENT_KEY,
    column("weight", REAL, "Component of the unit vector; the cosine of two companies is the sum of products.", "1"),
    column("peak_start", INT, "First character of the strongest token in the description.", "characters"),
    column("peak_end", INT, "End of that token.", "characters"),
)
