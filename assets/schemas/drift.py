"""Tables of what changed in peer groups between as-of dates, and of networks of peers."""

from assets.schemas.columns import (
    AS_OF,
    COMPANY_ID,
    DATE,
    GROUPING,
    INT,
    METHOD,
    REAL,
    TEXT,
    TEXTS,
    column,
    optional,
    table,
)

BEFORE = column("before", DATE, "The as-of date before it that has groups.")
CLUSTER_DRIFT = table("cluster_drift", "method as_of company_id")(
    "Who stayed, moved, came and went from one as-of date to the next, and what their texts gained and lost.",
    *GROUPING,
    COMPANY_ID,
    BEFORE,
    column("change", TEXT, "`stayed`: its group is the one it was in; `moved`: it is another; `new`; `gone`."),
    optional("cluster_before", INT, "Cluster number at the date before; empty where it is new."),
    optional("cluster", INT, "Cluster number at as_of; empty where it is gone."),
    optional(
        "jaccard",
        REAL,
        "Companies in both of these groups over companies in either, of those at both dates; empty where it is new or "
        "gone, and 1 where nobody else changed.",
        "1",
    ),
    optional("accession_before", TEXT, "The filing that describes it at the date before; empty where it is new."),
    optional("accession", TEXT, "The filing that describes it at as_of; empty where it is gone."),
    column(
        "themes_gained",
        TEXTS,
        "Themes that only the later filing says, the strongest first, at most five; none where it is the same filing.",
    ),
    column("themes_lost", TEXTS, "Themes that only the earlier filing says, likewise."),
)
GROUP_DRIFT = table("group_drift", "method as_of change number")(
    "Which groups of the date before are still there, which died and which were born: matched by Jaccard index.",
    *GROUPING,
    BEFORE,
    column("change", TEXT, "`same`, `died` or `born`."),
    column("number", INT, "The group's own number: cluster, but cluster_before of one that died."),
    optional("cluster_before", INT, "Cluster number at the date before; of `born` the one that most came from."),
    optional("cluster", INT, "Cluster number at as_of; of `died` the one that most went to."),
    column("shared", INT, "Companies in both.", "companies"),
    optional("jaccard", REAL, "These over the companies in either, of those at both dates; empty without any.", "1"),
    optional("size_before", INT, "Companies in cluster_before.", "companies"),
    optional("size", INT, "Companies in cluster.", "companies"),
)
ALERTS = table("alerts", "as_of kind method text")(
    "What somebody should look at: many companies moved, or the peers of a watched company changed.",
    AS_OF,
    column("kind", TEXT, "`groups_moved` or `watched_peers`."),
    optional("company_id", TEXT, "The company it is about; empty where it is about all."),
    METHOD,
    column("value", REAL, "Share of the companies that moved, or of the peers that came or went.", "1"),
    column("threshold", REAL, "What it is above.", "1"),
    column("text", TEXT, "The same in a sentence, with names."),
)
PEER_NETWORK = table("peer_network", "method as_of company1 company2")(
    "The pairs that a method finds most alike, both ways round, in the layout of Hoberg and Phillips: "
    "`clusters.pair_share` of all pairs, and those tied with the last; a score of 0 or less is no link.",
    column("method", TEXT, "A similarity among the methods of naming peers (docs/method.md)."),
    AS_OF,
    column("company1", TEXT, "company_id of the company whose peer it is."),
    column("company2", TEXT, "company_id of the peer."),
    column("score", REAL, "How alike: a cosine, a correlation; of `tnic` less company1's median.", "1"),
)
