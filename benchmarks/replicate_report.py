"""Tables, pictures and claims of replicate.py."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import polars as pl
from matplotlib.figure import Figure
from replicate_costs import MOST_COST, Line, Way
from replicate_labels import show_detection
from replicate_runs import Laboratory, Result, Variant, mean, per_block
from tables import show

from assets.saes.metrics import FIRST_TOKENS, cross_entropy_scores, mmcs, passes, transfer_score
from assets.saes.model.sae import Sae
from assets.saes.training.transfer import warm_start
from resources.lake.digests import digest_of
from resources.lake.picture import draw
from resources.models.language_model import open_language_model

if TYPE_CHECKING:
    from replicate import Plan

MOST_LOSS = 1.08
"""Mean FVU over that of per-layer autoencoders that the chosen way is held to."""
CE_TOKENS = 1000
LABELS = {"even": ((4, -10), "left"), "bias": ((-4, 4), "right")}
"""Where names stand beside their points, by how they end, for they would lie on others."""
DIRECTIONS = {"forward": "#0072B2", "backward": "#E69F00", "tree": "#882255"}
"""Of transfer, with their colours."""


class Report:
    """Everything that is said of what was trained.

    Parameters
    ----------
    laboratory, plan : what was trained, and which variants there are
    seeds : of the ways that matter most
    pictures : folder of the pictures
    """

    def __init__(self, laboratory: Laboratory, plan: "Plan", seeds: int, pictures: Path) -> None:
        self._laboratory, self._plan, self._seeds = laboratory, plan, seeds
        self._lines = [plan.costs.line(way, many) for way, many in plan.with_seeds(seeds)]
        self._best = next((line for line in self._lines if plan.best and line.name == plan.best.name), None)
        self._show_groups()
        self._show_likeness()
        self._transfers = self._transfer_rows()
        show(
            f"Transfer to blocks {plan.targets}, from kept autoencoders: per-layer ones, or (tree) the block's group's",
            transfer_table(self._transfers),
        )
        self._show_cross_entropy()
        show_detection(laboratory, plan, seeds)
        draw(groups_figure(self._lines), pictures / "replicate-groups.png")
        draw(transfer_figure(self._transfers), pictures / "replicate-transfer.png")

    def claims(self) -> dict[str, object]:
        """Return what a script can hold."""
        reached = [row for row in self._transfers if row["share"] and row["validated"] <= 1]
        least = min(reached, key=lambda row: (row["share"], row["validated"]), default=None)
        best = self._best
        return {
            "group_cost_ratio": best and round(best.cost("flop"), 3),
            "group_fvu_ratio": best and round(best.ratio, 4),
            "group_seconds_ratio": best and round(best.cost("wall"), 3),
            "group_way": best and best.name,
            "transfer_token_ratio": least and least["share"],
            "transfer_fvu_ratio": least and round(least["fvu"] / least["scratch"], 4),
            "transfer_direction": least and least["direction"],
        }

    def _show_groups(self) -> None:
        laboratory, plan = self._laboratory, self._plan
        per_layer = laboratory.results(plan.per_layer, 0)
        gain = fmean(one.gain for one in per_layer)
        documents = len(laboratory.splits["train"])
        print(
            f"{laboratory.profile.saes.tokens:,} tokens per autoencoder (less where a share is named), "
            f"in passes over {documents} documents; "
            f"per-layer autoencoders gained {gain:.2%} of validation FVU over their last fifth; "
            f"the knee of predicted loss over the number of groups is at {plan.knee}"
        )
        more = per_block(laboratory.results(plan.more_tokens, 0))
        base = mean({block: per_block(per_layer)[block] for block in more})
        print(
            f"From scratch on {plan.more_tokens.share:g} times the tokens, blocks {list(more)}: "
            f"{mean(more) / base:.3f} times the FVU"
        )
        show("Ways to cover all blocks; costs and FVU over those of per-layer autoencoders", groups_table(self._lines))
        if self._best:
            walls = [cost.wall for cost in self._best.costs]
            print(
                f"Chosen on validation documents among those that cost at most {MOST_COST:g}: {self._best.name}, "
                f"{min(walls):.3f} to {max(walls):.3f} of the seconds over {len(walls)} seeds"
            )

    def _show_likeness(self) -> None:
        """How like decoders are: whether transferred latents are the parent's, and what a block's own would be."""
        laboratory, plan = self._laboratory, self._plan
        rows, compared = [], {}
        if plan.best:
            of, name = self._by_block(plan.best), plan.best.name
            compared[name] = [of[block] for block in plan.blocks]
            rows.append((name, f"{name} of the block before", mean_mmcs(compared[name][1:], compared[name][:-1])))
        if self._seeds > 1:
            own, other = ([laboratory.sae("per-layer", s, (block,)) for block in plan.blocks] for s in (0, 1))
            for name, saes in ({"per-layer": own} | compared).items():
                rows.append((name, "per-layer of the same block, another seed", mean_mmcs(saes, other)))
                rows.append((name, "per-layer of the block before, another seed", mean_mmcs(saes[1:], other[:-1])))
        names = ["latents of", "nearest of", "MMCS"]
        show("Mean over latents of the largest decoder cosine", pl.DataFrame(rows, schema=names, orient="row"))

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
                row |= {"validated": self._validated(plan.transfer(direction, share), results)}
                row |= {"share_with_parent": round(share + plan.parents_share(direction), 2)}
                l0 = round(mean(per_block(results, "l0")), 2)
                rows.append(row | {"L0": l0, "reached": f"by {better} of {len(fvu)} blocks"})
        return rows

    def _validated(self, variant: Variant, results: Sequence[Result]) -> float:
        """Mean FVU on validation documents over that of the per-layer autoencoders of the same blocks."""
        validation, per_layer = self._laboratory.validation, self._plan.per_layer
        wanted = {block for one in results for block in one.blocks}
        of = [one for one in self._laboratory.results(per_layer, 0) if set(one.blocks) <= wanted]
        return validation((variant.name, one) for one in results) / validation((per_layer.name, one) for one in of)

    def _zero_shot(self, block: int, direction: str) -> Sae:
        """Return the parent as it is, with the block's own scale."""
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
        triples = self._triples()
        asked = digest_of([CE_TOKENS, FIRST_TOKENS, [[name, block] for name, block, _ in triples]])
        file = self._laboratory.folder / f"cross-entropy-{asked[:8]}.parquet"
        if not file.is_file():
            profile = self._laboratory.profile
            model = open_language_model(profile.model, self._laboratory.models)
            held_out = set(self._laboratory.splits["held_out"])
            texts = (one.text for one in self._laboratory.texts if one.accession in held_out)
            documents = [
                model.tokenize(text).ids[: model.window_tokens(profile.model.context_length)] for text in texts
            ]
            total = CE_TOKENS * passes([block for _, block, _ in triples])
            with self._laboratory.bar(total, "cross-entropy: tokens") as progress:
                massive = profile.activations.massive_norm
                losses = model.next_token_losses
                rows = cross_entropy_scores(losses, triples, documents, CE_TOKENS, massive, progress=progress)
            rows.write_parquet(file)
        return pl.read_parquet(file)

    def _triples(self) -> list[tuple[str, int, Sae]]:
        plan, found = self._plan, []
        compared = {way.name: way for way in (*plan.ways[:2], plan.best) if way}
        for name, way in compared.items():
            found += [(name, block, sae) for block, sae in self._by_block(way).items()]
        for direction in DIRECTIONS:
            for share in (plan.budgets[0], plan.budgets[-1]):
                variant = plan.transfer(direction, share)
                found += [
                    (f"{direction} {share:g}", b, self._laboratory.sae(variant.name, 0, (b,))) for b in plan.targets
                ]
            found += [(f"{direction} zero-shot", block, self._zero_shot(block, direction)) for block in plan.targets]
        return found

    def _by_block(self, way: Way) -> dict[int, Sae]:
        return {
            block: sae
            for variant, result in self._plan.costs.trained(way, 0)
            for sae in [self._laboratory.sae(variant, 0, result.blocks)]
            for block in result.blocks
        }


def mean_mmcs(ones: Sequence[Sae], others: Sequence[Sae]) -> float:
    """Mean over pairs of the mean over latents of the largest decoder cosine."""
    return round(fmean(mmcs(one.W_dec, other.W_dec) for one, other in zip(ones, others, strict=True)), 3)


def groups_table(lines: list[Line]) -> pl.DataFrame:
    """One row per way."""
    return pl.DataFrame(
        [
            {
                "way": line.name,
                "SAEs": line.autoencoders,
                "FLOP": round(line.cost("flop"), 3),
                "one pass": round(line.cost("same_tokens"), 3),
                "seconds": round(line.cost("wall"), 3),
                "cpu": round(line.cost("cpu"), 3),
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
    """One row per direction and share; share 0 is the parent as it is.

    `share_with_parent` counts the parent's own tokens, too: it holds where nobody keeps the parent.
    """
    fvu, scratch = pl.col("fvu"), pl.col("scratch")
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        fvu.round(4), scratch.round(4), pl.col("validated").round(3), (fvu / scratch).round(3).alias("ratio")
    )


def groups_figure(lines: list[Line]) -> Figure:
    """Cost against loss of every way."""
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    for line in lines:
        flop, kind = line.cost("flop"), line.name.partition("-")[0]
        transferred = kind == "chain" or "children" in line.name
        colour = "#E69F00" if transferred else "#0072B2" if kind == "groups" else "#666666"
        axes.errorbar(flop, line.ratio, yerr=line.half_width, fmt="o", color=colour, markersize=5, capsize=3)
        offset, side = LABELS.get(line.name.rpartition("-")[2], ((4, 4), "left"))
        axes.annotate(line.name, (flop, line.ratio), offset, textcoords="offset points", fontsize=7, ha=side)
    axes.margins(x=0.08)
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
