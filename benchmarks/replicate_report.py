"""Tables, pictures and claims of replicate.py."""

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import polars as pl
from harvest import show
from matplotlib.figure import Figure
from replicate_costs import MOST_COST, Costs, Line, Way, chosen
from replicate_runs import Laboratory, Variant, mean, per_block

from assets.saes.sae import Sae
from assets.saes.scores import cross_entropy_scores, transfer_score
from assets.saes.transfer import warm_start
from resources.language_model import open_language_model
from resources.picture import draw

if TYPE_CHECKING:
    from replicate import Plan

MOST_LOSS = 1.08
"""Mean FVU over that of per-layer autoencoders that the chosen way is held to."""
CE_TOKENS = 1000
COMPARED = 3
"""Ways whose cross-entropy is measured: per layer, the chosen groups, the first chain."""
DIRECTIONS = {"forward": "#0072B2", "backward": "#E69F00", "tree": "#882255"}
"""Of transfer, with their colours."""


class Report:
    """Everything that is said of what was trained.

    Parameters
    ----------
    laboratory, plan : what was trained, and which variants there are
    pictures : folder of the pictures
    """

    def __init__(self, laboratory: Laboratory, plan: "Plan", pictures: Path) -> None:
        self._laboratory, self._plan = laboratory, plan
        costs = Costs(laboratory, plan.per_layer)
        self._lines = [costs.line(way) for way in plan.ways()]
        self._best = chosen(self._lines[1:])
        self._show_groups()
        self._transfers = self._transfer_rows()
        show(
            f"Transfer to blocks {plan.targets}, from kept autoencoders: per-layer ones, or (tree) the block's group's",
            transfer_table(self._transfers),
        )
        self._show_cross_entropy()
        draw(groups_figure(self._lines), pictures / "replicate-groups.png")
        draw(transfer_figure(self._transfers), pictures / "replicate-transfer.png")

    def claims(self) -> dict[str, object]:
        """What a script can hold."""
        reached = [row["share"] for row in self._transfers if row["share"] and row["fvu"] <= row["scratch"]]
        best = self._best
        return {
            "group_cost_ratio": best and round(best.flop, 3),
            "group_fvu_ratio": best and round(best.ratio, 4),
            "transfer_token_ratio": min(reached, default=None),
            "group_seconds_ratio": best and round(best.wall, 3),
            "group_way": best and best.name,
        }

    def _show_groups(self) -> None:
        saes = self._laboratory.profile.saes
        gain = fmean(one.gain for one in self._laboratory.results(self._plan.per_layer, 0))
        documents = len(self._laboratory.splits["train"])
        print(
            f"{saes.tokens:,} tokens per autoencoder (less where a share is named), "
            f"in passes over {documents} documents; "
            f"per-layer autoencoders gained {gain:.2%} of validation FVU over their last fifth; "
            f"the knee of predicted cost and loss is at {self._plan.chosen} groups"
        )
        show("Ways to cover all blocks; costs and FVU over those of per-layer autoencoders", groups_table(self._lines))
        if self._best:
            print(f"Chosen on validation documents among those that cost at most {MOST_COST:g}: {self._best.name}")

    def _transfer_rows(self) -> list[dict[str, float | str | None]]:
        laboratory, plan = self._laboratory, self._plan
        scratch = per_block(laboratory.results(plan.per_layer, 0))
        rows = []
        for direction in DIRECTIONS:
            untrained = [laboratory.scores(self._zero_shot(block, direction), (block,)) for block in plan.targets]
            at_start = mean({block: value for one in untrained for block, value in one["fvu"].items()})
            base = mean({block: scratch[block] for block in plan.targets})
            rows.append({"direction": direction, "share": 0.0, "fvu": at_start, "scratch": base})
            for share in plan.budgets:
                results = laboratory.results(plan.transfer(direction, share), 0)
                fvu = per_block(results)
                better = sum(fvu[block] <= scratch[block] for block in fvu)
                row = {"direction": direction, "share": share, "fvu": mean(fvu), "scratch": base}
                l0 = round(mean(per_block(results, "l0")), 2)
                rows.append(row | {"L0": l0, "reached": f"by {better} of {len(fvu)} blocks"})
        return rows

    def _zero_shot(self, block: int, direction: str) -> Sae:
        """The parent as it is, with the block's own scale."""
        name, blocks = self._plan.start(direction, block)
        parent = self._laboratory.sae(name, 0, blocks)
        return warm_start(parent, self._laboratory.sae("per-layer", 0, (block,)).config).eval()

    def _show_cross_entropy(self) -> None:
        rows = self._cross_entropies()
        per = rows.filter(~pl.col("entry").str.contains(" "))
        by_way = per.group_by("entry", maintain_order=True).agg(
            pl.col("ce_score").mean().round(4),
            pl.col("ce_score").min().round(4).alias("worst"),
            pl.col("dce_percent").mean().round(2),
        )
        show(f"Cross-entropy, seed 0, {rows['ce_tokens'][0]} held-out tokens, one block replaced at a time", by_way)
        ce = {(entry, block): value for entry, block, value in rows.select("entry", "block", "ce_sae").rows()}
        lines = []
        for direction in DIRECTIONS:
            names = [f"{direction} {share:g}" for share in (self._plan.budgets[0], self._plan.budgets[-1])]
            for name in names:
                scores = [
                    transfer_score(ce[name, block], ce[f"{direction} zero-shot", block], ce["per-layer", block])
                    for block in self._plan.targets
                ]
                lines.append({"transfer": name, "transfer_score": round(fmean(scores), 3)})
        show("Transfer score: 1 is as good as from scratch, 0 the parent as it was", pl.DataFrame(lines))

    def _cross_entropies(self) -> pl.DataFrame:
        """Columns of `cross_entropy_scores`; kept, because every block takes a pass of the model."""
        file = self._laboratory.folder / "cross-entropy.parquet"
        if not file.is_file():
            profile = self._laboratory.profile
            model = open_language_model(profile.model, self._laboratory.models)
            held_out = set(self._laboratory.splits["held_out"])
            texts = (one.text for one in self._laboratory.texts if one.accession in held_out)
            documents = [
                model.tokenize(text).ids[: model.window_tokens(profile.model.context_length)] for text in texts
            ]
            triples = list(self._triples())
            with self._laboratory.bar(CE_TOKENS * len(triples), "cross-entropy: tokens") as progress:
                massive = profile.activations.massive_norm
                losses = model.next_token_losses
                rows = cross_entropy_scores(losses, triples, documents, CE_TOKENS, massive, progress=progress)
            rows.write_parquet(file)
        return pl.read_parquet(file)

    def _triples(self) -> list[tuple[str, int, Sae]]:
        plan, found = self._plan, []
        for way in plan.ways()[:COMPARED]:
            found += [(way.name, block, sae) for block, sae in self._by_block(way).items()]
        for direction in DIRECTIONS:
            for share in (plan.budgets[0], plan.budgets[-1]):
                variant = plan.transfer(direction, share)
                found += [
                    (f"{direction} {share:g}", b, self._laboratory.sae(variant.name, 0, (b,))) for b in plan.targets
                ]
            found += [(f"{direction} zero-shot", block, self._zero_shot(block, direction)) for block in plan.targets]
        return found

    def _by_block(self, way: Way) -> dict[int, Sae]:
        borrowed = Variant("per-layer", tuple((block,) for block in way.borrowed))
        return {
            block: sae
            for variant in (borrowed, *way.variants)
            for group in variant.groups
            for sae in [self._laboratory.sae(variant.name, 0, group)]
            for block in group
        }


def groups_table(lines: list[Line]) -> pl.DataFrame:
    """One row per way."""
    return pl.DataFrame(
        [
            {
                "way": line.name,
                "SAEs": line.autoencoders,
                "FLOP": round(line.flop, 3),
                "seconds": round(line.wall, 3),
                "cpu": round(line.cpu, 3),
                "FVU": round(line.fvu, 4),
                "ratio": round(line.ratio, 3),
                "95 %": f"± {line.half_width:.3f}"
                if line.half_width is not None and line.name != "per-layer"
                else None,
                "worst block": f"{line.worst[1]:.2f} at {line.worst[0]}" if line.name != "per-layer" else None,
                "L0": round(line.l0, 1),
                "dead": round(line.dead, 3),
                "seeds": len(line.ratios),
            }
            for line in lines
        ]
    )


def transfer_table(rows: list[dict[str, float | str | None]]) -> pl.DataFrame:
    """One row per direction and share; share 0 is the parent as it is."""
    fvu, scratch = pl.col("fvu"), pl.col("scratch")
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        fvu.round(4), scratch.round(4), (fvu / scratch).round(3).alias("ratio")
    )


def groups_figure(lines: list[Line]) -> Figure:
    """Cost against loss of every way."""
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    for line in lines:
        colour = (
            "#E69F00"
            if "children" in line.name or "chain" in line.name
            else "#0072B2"
            if line.name.startswith("groups")
            else "#666666"
        )
        axes.errorbar(line.flop, line.ratio, yerr=line.half_width, fmt="o", color=colour, markersize=5, capsize=3)
        above = -10 if line.name.endswith("even") else 4
        axes.annotate(line.name, (line.flop, line.ratio), (4, above), textcoords="offset points", fontsize=7)
    axes.axvline(MOST_COST, color="#999999", linewidth=0.8, linestyle=":")
    axes.axhline(MOST_LOSS, color="#999999", linewidth=0.8, linestyle=":")
    axes.set(xlabel="FLOP over those of per-layer autoencoders, harvest and last block counted")
    axes.set(ylabel="mean FVU over that of per-layer autoencoders", title="What sharing autoencoders costs and saves")
    return figure


def transfer_figure(rows: list[dict[str, float | str | None]]) -> Figure:
    """FVU of transferred autoencoders against their tokens."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for direction, colour in DIRECTIONS.items():
        mine = [row for row in rows if row["direction"] == direction]
        axes.plot([row["share"] for row in mine], [row["fvu"] for row in mine], "o-", color=colour, label=direction)
    axes.axhline(rows[0]["scratch"], color="#666666", linestyle=":", label="from scratch, share 1")
    axes.set(xlabel="share of the tokens of an autoencoder from scratch", ylabel="mean held-out FVU")
    axes.set_title("Transfer from the block before or after, or from the block's group")
    axes.legend()
    return figure
