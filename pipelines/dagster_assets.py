"""What Dagster sees of a declaration: an asset with partitions, kinds, column sentences, checks and a data version."""

import base64
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from resources.lake.build import LOG, CheckFailedError, Made, build
from resources.lake.errors import DamagedFileError
from resources.lake.lake import Lake
from resources.lake.manifest import Manifest
from resources.lake.recipe import Declaration, Graph, label
from resources.lake.table import Column, Table

DAMAGED = "damaged_file"
"""Metadata of a step that failed because a file of the lake is not what was written."""


class LakeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The lake of the profile in force; an asset's body is `lake.build(context, ...)`."""

    home: str
    profile: str

    def build(self, context: dg.AssetExecutionContext, graph: Graph, name: str) -> dg.MaterializeResult:  # type: ignore[type-arg]
        """Return the artefact that the current recipe asks for, made now or reused."""
        partition = context.partition_key if context.has_partition_key else None
        lake = Lake(Path(self.home), self.profile)
        try:
            made = build(graph, lake, name, partition)
        except CheckFailedError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        except DamagedFileError as error:
            where = {DAMAGED: dg.MetadataValue.path(str(error.file))}
            raise dg.Failure(str(error), where, allow_retries=False) from error
        if made.reasons:
            LOG.info("%7.1f s  %s: %s", made.manifest.seconds, label(name, partition), ", ".join(made.reasons))
        return materialize_result(graph, lake, made)


def materialize_result(graph: Graph, lake: Lake, made: Made) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Return what the UI shows of an artefact."""
    known = made.manifest
    metadata: dict[str, Any] = {
        "dagster/row_count": known.rows,
        "reused": not made.reasons,
        "reasons": ", ".join(made.reasons) or "none",
        "compute_seconds": round(known.seconds, 3),
        "digest": known.digest,
        **{name: value for name, value in known.metadata.items() if name != "pictures"},
        **_pictures(lake, known),
    }
    if graph.profile.banner:
        metadata["banner"] = graph.profile.banner
    warn, error = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
    advisory = graph.declarations[known.asset].advisory
    checks = [
        dg.AssetCheckResult(
            check_name=c["name"],
            passed=c["passed"],
            severity=warn if c["name"] in advisory else error,
            description=c["message"],
        )
        for c in known.checks
    ]
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(known.digest), check_results=checks)


def _pictures(lake: Lake, known: Manifest) -> dict[str, dg.MarkdownMetadataValue]:
    """Return each picture of an artefact below its sentence, inlined: the UI cannot read the lake."""
    shown = {}
    for name, sentence in known.metadata.get("pictures", {}).items():
        png = base64.b64encode((lake.folder(known) / "pictures" / f"{name}.png").read_bytes()).decode()
        shown[name] = dg.MetadataValue.md(f"{sentence}\n\n![{name}](data:image/png;base64,{png})")
    return shown


def dagster_asset(graph: Graph, declaration: Declaration) -> dg.AssetsDefinition:
    """Turn a declaration into a Dagster asset."""
    partitions = graph.keys.get(declaration.partitioning or "")

    @dg.asset(
        name=declaration.name,
        group_name=declaration.group,
        description=declaration.sentence,
        kinds=set(declaration.kinds),
        code_version=declaration.code,
        deps=[_dependency(graph, declaration, name) for name in declaration.upstream],
        partitions_def=dg.StaticPartitionsDefinition(list(partitions)) if partitions else None,
        metadata={"dagster/column_schema": _column_schema(declaration.tables[0])},
        check_specs=[
            dg.AssetCheckSpec(name, asset=declaration.name, blocking=name not in declaration.advisory)
            for name in declaration.checks
        ],
    )
    def body(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
        return lake.build(context, graph, declaration.name)

    return body


def _dependency(graph: Graph, declaration: Declaration, name: str) -> dg.AssetDep:
    same = graph.declarations[name].partitioning == declaration.partitioning
    partitioned = graph.declarations[name].partitioning is not None and declaration.partitioning is not None
    return dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping() if partitioned and not same else None)


def _column_schema(table: Table) -> dg.TableSchema:
    columns = [
        dg.TableColumn(c.name, _type(c.type), _sentence(c), dg.TableColumnConstraints(nullable=c.nullable))
        for c in table.columns
    ]
    return dg.TableSchema(columns)


def _sentence(column: Column) -> str:
    return column.sentence if column.unit in {"", "1"} else f"{column.sentence} [{column.unit}]"


def _type(kind: pa.DataType) -> str:
    return f"list<{kind.value_type}>" if pa.types.is_list(kind) else str(kind)
