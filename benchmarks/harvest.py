"""The activation cache against the model itself and against SAELens' cached-activations runner; writing and reading.

`PEERLENS_TESTDATA=../shared/data python benchmarks/harvest.py [--rounds 5] [--full]` has SmolLM2-135M read 64
descriptions drawn by seed, and with `--full` then all 476, once. In turn, round by round, on two threads:

- the decoder alone, `model.model(ids)` with neither hook nor cache of keys, on the very batches that ours reads: the
  limit; of 16 blocks it is 30/16 of that rate;
- ours from texts to shards on the disk, after 30 blocks and after the first 16; and, beside it, with fsync;
- SAELens' runner from the same texts to its data set on the disk: it stores one hook a run, here the last block, so
  that it computes what ours does and stores a thirtieth of the numbers.

No model is opened on the clock. On a GPU all of them run there, in bfloat16; shares of its peak are of what a large
product of matrices and a copy within its memory reach. `--model` names a folder with another model of this shape.
Then shards of 30 blocks at d = 576 are written, and every byte of them is read from the page cache, in turn with a
plain copy of the same bytes. Medians over the rounds; the last line is JSON, its ratios the medians of those within a
round.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from harvest_readers import Decoder, Load, Ours, Work
from harvest_saelens import NAME as PEER
from harvest_saelens import SAELens, saelens_python
from machine import GpuLimits, gpu_limits, machine, warn_if_busy
from storage import BLOCKS, D_MODEL, SEED, storage_rounds
from tables import Round, ratio, show, summary
from tqdm import tqdm

from resources.environment import models as models_home  # before torch: it says how idle threads wait
from resources.models.model_source import model_folder
from resources.settings.profile import Model, Profile

# isort: split
import torch

ROUNDS, THREADS, DRAWN = 5, 2, 64
FIRST_BLOCKS = range(16)
READERS = [
    ("model.model(ids), nothing kept", "all 30", "limit", "limit"),
    ("ours, to shards", "all 30", "ours", "limit"),
    ("ours, to shards, with fsync", "all 30", "ours synced", "limit"),
    ("model.model(ids), times 30/16", "first 16", "limit16", "limit16"),
    ("ours, to shards", "first 16", "ours16", "limit16"),
    (f"{PEER}, to its data set", "the last", "saelens", "limit"),
    (f"{PEER} has one hook a run", "all 30", "not measured", "limit"),
]
"""Who reads, the blocks kept, its name in a round, and the name of its limit."""
READ_ALL = ("limit", "ours", "ours synced")
"""Those that compute all that `Load` counts."""


class Bench:
    """All that read, with one bar of tokens for all of them."""

    def __init__(self, ours: Ours, decoder: Decoder, peer: SAELens | None, bar: tqdm) -> None:
        self._ours, self._decoder, self._peer, self._bar = ours, decoder, peer, bar

    def rounds(self, descriptions: Sequence[str], n: int) -> list[Round]:
        """Measure so many rounds; print their table."""
        work = self._ours.work(descriptions)
        self._bar.reset(n * work.tokens * (4 if self._peer else 3))
        found = [self._round(work) for _ in range(n)]
        device, limits, load = self._ours.device, None, None
        if device.name != "cpu":
            limits, load = gpu_limits(device.name), self._decoder.load(work)
        what = f"{len(descriptions)} descriptions, {work.tokens:,} tokens, {n} rounds"
        self._bar.clear()
        show(f"{what}; {device.dtype}; {machine(THREADS, device.name)}", reading_table(found, load, limits))
        return found

    def _round(self, work: Work) -> Round:
        limit = work.tokens / self._decoder.seconds(work)
        written, synced = self._ours.seconds(work, BLOCKS)
        first_written, _ = self._ours.seconds(work, FIRST_BLOCKS)
        rates = {"limit": limit, "ours": work.tokens / written, "ours synced": work.tokens / synced}
        rates |= {"limit16": limit * len(BLOCKS) / len(FIRST_BLOCKS), "ours16": work.tokens / first_written}
        if self._peer:
            rates["saelens"] = self._peer.rate([text.text for text in work.texts], work.tokens)
            self._bar.update(work.tokens)
        return rates


@contextmanager
def opened(profile: Profile, models: Path, venvs: Path) -> Iterator[Bench]:
    """Open everything: models loaded, and each run once."""
    python = saelens_python(venvs)
    with tqdm(unit="tokens", unit_scale=True, disable=None, smoothing=0) as bar:
        ours, folder = Ours(profile, models, bar), model_folder(profile.model, models)
        decoder = Decoder(folder, ours.device, bar)
        job = {"model": str(folder), "d_model": D_MODEL, "block": BLOCKS[-1], "dtype": ours.device.dtype}
        job |= {"device": ours.device.name, "batch_tokens": ours.device.batch_tokens}
        warm_up = ours.work(["A company that makes things and sells them."])
        decoder.seconds(warm_up)
        ours.seconds(warm_up, BLOCKS)
        with SAELens(python, job, THREADS) if python else nullcontext() as peer:
            yield Bench(ours, decoder, peer, bar)


def reading_table(rounds: Sequence[Round], load: Load | None, limits: GpuLimits | None) -> pl.DataFrame:
    """Return tokens a second, the share of the limit and, on a GPU, of its peak FLOP/s and bandwidth."""
    rows = []
    for reader, blocks, name, limit in READERS:
        rates = [one[name] for one in rounds if name in one]
        row = {"reader": reader, "blocks kept": blocks} | summary(rates, "tokens_per_s", 1)
        row |= {"of_limit": ratio(rounds, name, limit)}
        if load and limits:
            share = median(rates) if name in READ_ALL else None
            row |= {"of_flop_s": share and round(share * load.flop / limits.flop_s, 3)}
            row |= {"of_bandwidth": share and round(share * load.bytes / limits.bytes_s, 3)}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def descriptions(source: Path | None) -> pl.Series:
    """Read the texts: one a file of a folder, or those of the test data."""
    if source is not None and source.is_dir():
        return pl.Series([file.read_text(encoding="utf-8") for file in sorted(source.glob("*.txt"))])
    file = source or Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / "sp500" / "companies.parquet"
    if not file.is_file():
        raise SystemExit(f"no descriptions in {file}; set PEERLENS_TESTDATA, or name a folder of texts: --descriptions")
    return pl.read_parquet(file)["description"]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--texts", type=int, default=DRAWN, help="descriptions drawn by seed")
    parser.add_argument("--full", action="store_true", help="all descriptions once, too: half an hour on two cores")
    parser.add_argument("--descriptions", type=Path, help="a folder of .txt, or a Parquet file; default: the test data")
    parser.add_argument("--model", type=Path, help="folder of a model of 30 blocks, d = 576; default: the wheel's")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--venvs", type=Path, default=Path("~/.cache/peerlens-benchmarks").expanduser())
    return parser.parse_args()


def claims(rounds: Sequence[Round], stored: Sequence[Round]) -> dict[str, float | None]:
    """Return what the last line says."""
    return {
        "harvest_vs_forward": ratio(rounds, "ours", "limit"),
        "harvest16_vs_limit": ratio(rounds, "ours16", "limit16"),
        "harvest_vs_saelens": ratio(rounds, "ours", "saelens"),
        "write_gb_s": round(median(one["write"] for one in stored), 2),
        "read_gb_s": round(median(one["read"] for one in stored), 2),
        "write_vs_copy": ratio(stored, "write", "copy"),
        "read_vs_copy": ratio(stored, "read", "copy back"),
    }


def main() -> None:
    """Print the tables and the claims."""
    options = arguments()
    torch.set_num_threads(THREADS)
    warn_if_busy()
    texts = descriptions(options.descriptions)
    given = Model(id="given", source="folder", path=options.model) if options.model else Model()
    with opened(Profile(name="benchmark", model=given), options.models, options.venvs) as bench:
        drawn = min(options.texts, texts.len())
        chosen = np.random.default_rng(SEED).choice(texts.len(), drawn, replace=False)
        rounds = bench.rounds(texts.gather(chosen).to_list(), options.rounds)
        if options.full:
            bench.rounds(texts.to_list(), 1)
    print(json.dumps(claims(rounds, storage_rounds(options.rounds, machine(THREADS)))))


if __name__ == "__main__":
    main()
