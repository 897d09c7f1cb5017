"""Tables of features: latents of filings, their labels, and the vectors that are compared."""

import pyarrow as pa

from assets.schemas.columns import (
    ACCESSION,
    AS_OF,
    BLOCK,
    COMPANY_ID,
    FILING,
    INT,
    LATENT_KEY,
    REAL,
    TEXT,
    TEXTS,
    VIEW,
    by_filing,
    column,
    optional,
    table,
)

COMPANY_FEATURES = by_filing("company_features", "accession entry block latent pooling")(
    "Latent activations pooled over the tokens or the passages of a description; rows that would be 0 are left out.",
    *FILING,
    VIEW,
    *LATENT_KEY,
    column("pooling", TEXT, "mean, max, sum or log1p_sum over tokens; of passages, mean."),
    column("value", REAL, "Pooled activation.", "scaled activation"),
    column("peak_position", INT, "Token, or passage, at which the latent is strongest."),
    column("peak_start", INT, "First character of it in the description.", "characters"),
    column("peak_end", INT, "End of it in the description.", "characters"),
    column("peak", REAL, "Its activation there.", "scaled activation"),
)
THEME_PASSAGES = by_filing("theme_passages", "accession entry block latent rank")(
    "The passages of a description on which a latent over passages is strongest, at most three.",
    *FILING,
    *LATENT_KEY,
    column("rank", INT, "1 is the strongest."),
    column("passage", INT, "Number of the passage in its description."),
    column("start", INT, "First character in the description.", "characters"),
    column("end", INT, "End in the description.", "characters"),
    column("value", REAL, "Activation.", "scaled activation"),
)
LATENT_LABELS = table("latent_labels", "entry block latent")(
    "What a latent stands for: made, chosen and scored on three sets of companies (docs/method.md).",
    VIEW,
    *LATENT_KEY,
    optional("label", TEXT, "Its terms, shown as a title; empty where no terms tell it, or another latent has them."),
    column("terms", TEXTS, "The rule that was scored: any of these words or phrases; `refin*` is a prefix."),
    optional("level", REAL, "Activation from which the label was made and scored.", "scaled activation"),
    column("words", TEXTS, "Words and phrases that set its passages apart on two sets of documents, the surest first."),
    column("examples", TEXTS, "Passages, or windows of text, on which it is strongest, of several companies."),
    column("density", REAL, "Share of the corpus' passages, or tokens, on which it is active.", "1"),
    column("documents", INT, "Documents of the corpus in which it is active.", "documents"),
    optional(
        "detection_score",
        REAL,
        "Balanced accuracy of the terms in telling active from inactive windows of companies that neither made nor "
        "chose them; empty under 10 active windows or 5 documents.",
        "1",
    ),
    optional("score_low", REAL, "Lower bound of its 95 % interval (Wilson).", "1"),
    optional("score_high", REAL, "Upper bound.", "1"),
    column("windows", INT, "Windows behind the score, active and inactive.", "windows"),
    optional("explanation", TEXT, "A language model's phrase, where an explainer is set and was given the latent."),
    optional(
        "explanation_score",
        REAL,
        "Its balanced accuracy, by the scorer, in telling active from inactive windows of companies that the "
        "explainer did not see; empty under 10 windows.",
        "1",
    ),
    optional("fuzzing_score", REAL, "The same in telling whether the right words are marked in active ones.", "1"),
    optional("explanation_windows", INT, "Windows behind explanation_score, active and inactive.", "windows"),
)
COMPANY_EMBEDDINGS = by_filing("company_embeddings")(
    "The sentence-embedding baseline: mean over chunks of at most the model's window, unit length.",
    *FILING,
    column("model", TEXT, "Embedding model."),
    column("embedding", pa.list_(pa.float32()), "The vector.", "1"),
)
DESCRIPTION_VECTORS = by_filing("description_vectors", "accession block")(
    "The language-model baseline: mean residual stream over the passages of a description, weighted by their tokens.",
    *FILING,
    BLOCK,
    column("vector", pa.list_(pa.float32()), "The mean of `passage_vectors`.", "residual stream"),
)
BERT_VECTORS = by_filing("bert_vectors", "accession")(
    "The paper's BERT baseline: the [CLS] vector of a BERT-like encoder, where the profile names one; else empty.",
    *FILING,
    column("vector", pa.list_(pa.float32()), "Last hidden state of the first token.", "hidden state"),
)
COMPANY_VECTORS = table("company_vectors", "as_of company_id entry block latent")(
    "The latent vectors that similarity is computed on: weighted by what was known at the as-of date, unit length.",
    AS_OF,
    COMPANY_ID,
    ACCESSION,
    VIEW,
    *LATENT_KEY,
    column("weight", REAL, "Component of the unit vector of both views; a cosine is the sum of products.", "1"),
    column(
        "own_weight", REAL, "Component of the unit vector of this view alone: methods sae_passages, sae_tokens.", "1"
    ),
    column("peak_start", INT, "First character of the strongest token or passage in the description.", "characters"),
    column("peak_end", INT, "End of it.", "characters"),
    column("peak", REAL, "Its activation there.", "scaled activation"),
    column("words", TEXTS, "Terms of a theme that the text says, those of its label first; else none."),
)
NAMED_RIVALS = table("named_rivals", "as_of company_id rival_id passage")(
    "Other companies that a description names where it speaks of competition: more right than complete.",
    AS_OF,
    COMPANY_ID,
    column("rival_id", TEXT, "Whom it names: a company_id of the same as-of date."),
    ACCESSION,
    column("passage", INT, "Number of the passage in its description."),
    column("start", INT, "First character in the description.", "characters"),
    column("end", INT, "End in the description.", "characters"),
    column("name", TEXT, "The name as it stands there."),
)
MASKED_VECTORS = table("masked_vectors", "as_of company_id entry block latent")(
    "`company_vectors` of passages without those that name a rival, for `rival_scores`; empty where nobody names one.",
    AS_OF,
    COMPANY_ID,
    ACCESSION,
    VIEW,
    *LATENT_KEY,
    column("weight", REAL, "Component of the unit vector.", "1"),
    column("own_weight", REAL, "The same.", "1"),
)
THEMES = table("themes", "as_of entry block latent")(
    "How many companies have a latent at an as-of date: one that over a third has says nothing, and is no reason.",
    AS_OF,
    VIEW,
    *LATENT_KEY,
    column(
        "companies",
        INT,
        "Companies whose text says its label; without a label, all in which it is active.",
    ),
    column("share", REAL, "Share of the companies with a vector.", "1"),
)
