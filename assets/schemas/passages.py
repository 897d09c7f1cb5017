"""Tables of passages: where they are in a description, what the model makes of each, and the pinned ones."""

import pyarrow as pa

from assets.schemas.columns import (
    ACCESSION,
    BLOCK,
    COMPANY_ID,
    FILED_AT,
    FILING,
    INT,
    TEXT,
    by_filing,
    column,
    optional,
    table,
)

PASSAGE = column("passage", INT, "Number of the passage in its description, from 0.")
KIND = column("kind", TEXT, "text, list (names, places, figures), heading, or boilerplate (what every filing says).")
VECTOR = column(
    "vector",
    pa.large_binary(),
    "Mean residual stream over its tokens: d_model raw little-endian float16, massive left out.",
)

PASSAGES = by_filing("passages", "accession passage")(
    "Where the passages of a description are: a sentence or a list item, short ones joined, long ones cut.",
    *FILING,
    PASSAGE,
    column("start", INT, "First character in the description.", "characters"),
    column("end", INT, "End in the description.", "characters"),
    column("tokens", INT, "Tokens of the language model.", "tokens"),
    KIND,
    optional("rule", TEXT, "Of boilerplate, the rule that told it; `repeated` where other companies had the wording."),
)
PASSAGE_VECTORS = by_filing("passage_vectors", "accession passage block")(
    "One vector per passage and block; only passages of kind text have one.",
    *FILING,
    PASSAGE,
    BLOCK,
    VECTOR,
)
PASSAGE_CORPUS = table("passage_corpus", "accession passage block")(
    "The pinned passages that train the autoencoders over passages, and that make, choose and score labels.",
    ACCESSION,
    COMPANY_ID,
    FILED_AT,
    column("split", TEXT, "train or validation (tells when to stop): one for all filings of a company."),
    PASSAGE,
    BLOCK,
    column("text", TEXT, "The passage."),
    VECTOR,
)
