"""Tables of outputs: what the DuckDB file and the atlas offer."""

from assets.schemas.columns import INT, TEXT, column, table

WAREHOUSE = table("warehouse", "name kind")(
    "What the DuckDB file offers.",
    column("name", TEXT, "View or macro."),
    column("kind", TEXT, "view or macro."),
    column("sentence", TEXT, "What it answers."),
    column("sha256", TEXT, "Hash of the SQL that defines it, exact file names included."),
)
ATLAS = table("atlas", "file")(
    "Pages for people.",
    column("file", TEXT, "HTML file beside this table."),
    column("companies", INT, "Companies on the page.", "companies"),
    column("sha256", TEXT, "Hash of the page."),
)
