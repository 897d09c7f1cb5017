"""Manifests of format 1, which digested Parquet bytes: what they say, and whether their artefact was up to date."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from resources.lake.digests import digest_of
from resources.lake.lake import MANIFEST, WHOLE, Lake
from resources.lake.recipe import Declaration, Graph

Old = dict[tuple[str, str | None], "OldManifest"]
"""Asset and partition -> its manifest of format 1."""
JOURNAL = "older_manifests.json"
"""All manifests of format 1, while they are being replaced one after the other."""


@dataclass(frozen=True)
class OldManifest:
    """A manifest as versions before format 2 wrote it. `tables` maps table -> rows and slices; `files` file -> size."""

    asset: str
    partition: str | None
    recipe: dict[str, Any]
    folder: str
    digest: str
    tables: dict[str, dict[str, Any]]
    files: dict[str, int]
    units: dict[str, str]
    source: dict[str, str]
    metadata: dict[str, Any]
    checks: list[dict[str, Any]]
    seconds: float
    written_at: float


def old_manifests(lake: Lake) -> Old:
    """Return all manifests of format 1 in a lake."""
    names = [
        f"{asset}/{partition}"
        for asset in lake.store.names("")
        for partition in lake.store.names(asset)
        if MANIFEST in lake.store.names(f"{asset}/{partition}")
    ]
    found = [old for name in names if (old := _parse(lake.store.read(f"{name}/{MANIFEST}") or b""))]
    return {(old.asset, old.partition): old for old in found}


def journalled(lake: Lake) -> Old:
    """Return all manifests of format 1 that there are, and those that an interrupted take-over replaced.

    They are written down before the first is replaced: whether an artefact was up to date can be told only beside the
    older manifests of its inputs, so an interruption would otherwise cost all that had not been taken over by then.
    """
    before = _journal(lake) | old_manifests(lake)
    if before:
        lake.store.write(JOURNAL, json.dumps([asdict(old) for old in before.values()]).encode())
    return before


def _journal(lake: Lake) -> Old:
    try:
        told = [OldManifest(**old) for old in json.loads(lake.store.read(JOURNAL) or b"[]")]
    except (ValueError, TypeError):  # lost: what has been taken over by now is, the rest is made again
        return {}
    return {(old.asset, old.partition): old for old in told}


def is_of_old_format(lake: Lake) -> bool:
    """Return whether a lake has been written by a version with format 1 and not been taken over; looks at few files."""
    if lake.store.stamp(JOURNAL):
        return True
    for asset in lake.store.names(""):
        partitions = lake.store.names(asset)
        for partition in [WHOLE] if WHOLE in partitions else partitions[:1]:
            if _parse(lake.store.read(f"{asset}/{partition}/{MANIFEST}") or b""):
                return True
    return False


def was_up_to_date(graph: Graph, old: Old, declaration: Declaration, partition: str | None) -> bool:
    """Return whether an artefact's inputs were those that the lake holds, as far as both versions read them."""
    inputs = old[declaration.name, partition].recipe["inputs"]
    return all(
        _upstream_digest(graph, old, declaration, partition, name) == digest
        for name, digest in inputs.items()
        if name in declaration.reads
    )


def _upstream_digest(graph: Graph, old: Old, declaration: Declaration, partition: str | None, name: str) -> str:
    """Return what format 1 had as the digest of an input: of all slices in the window."""
    window = graph.window(declaration, partition, name)
    sliced = {t.name for t in graph.declarations[name].tables if t.slice_by}
    seen: dict[str, Any] = {}
    for key in graph.upstream_partitions(declaration, partition, name):
        known = old.get((name, key))
        if known is None:
            return "missing"
        tables = {t: v["slices"] for t, v in known.tables.items() if t in sliced or not window.bounded}
        seen[key or ""] = ["", {t: {s: d for s, d in found.items() if window.shows(s)} for t, found in tables.items()}]
    return digest_of(seen)[:16]


def same_settings(then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether two versions' settings agree where both have them: a key that came or went is no change."""
    common = then.keys() & now.keys()
    return all(
        same_settings(then[key], now[key])
        if isinstance(then[key], dict) and isinstance(now[key], dict)
        else then[key] == now[key]
        for key in common
    )


def _parse(content: bytes) -> OldManifest | None:
    try:
        return OldManifest(**json.loads(content))
    except (ValueError, TypeError):
        return None
