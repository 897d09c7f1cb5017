"""Tables of activations: which filings were read, and the shards that hold their residual streams."""

import pyarrow as pa

from assets.schemas.columns import FILING, INT, READ, TEXT, by_filing

ACTIVATIONS = by_filing("activations")(
    "Which filings were read, and from what; their residual streams are `shards/` beside the table, where kept.",
    *FILING,
    *READ,
)


def activation_shard(d_model: int) -> pa.Schema:
    """Return the schema of one block's shard: one row per token; payloads are raw little-endian 16-bit floats."""
    return pa.schema(
        [
            pa.field("accession", TEXT, False),
            pa.field("position", INT, False),
            pa.field("token_id", INT, False),
            pa.field("char_start", INT, False),
            pa.field("char_end", INT, False),
            pa.field("activation", pa.binary(2 * d_model), False),
        ]
    )
