"""The activation cache against the model itself and against SAELens' cached-activations runner; writing and reading.

`PEERLENS_TESTDATA=../shared/data python benchmarks/harvest.py [--rounds 5] [--full]` has SmolLM2-135M read 64
descriptions drawn by seed, and with `--full` then all 476, once. In turn, round by round, on two threads:

- the decoder alone, `model.model(ids)` with neither hook nor cache of keys, on the very batches that ours reads: the
  limit; of 16 blocks it is 30/16 of that rate;
- ours from texts to shards on the disk, after 30 blocks and after the first 16; and, beside it, with fsync;
- SAELens' runner from the same texts to its data set on the disk: it stores one hook a run, here the last block, so
  that it computes what ours does and stores a thirtieth of the numbers.

No model is opened on the clock. On a GPU all of them run there, in bfloat16, and the share of its peak is of what a
large product of matrices reaches. Then shards of 30 blocks at d = 576 are written, and every byte of them is read from
the page cache. Medians over the rounds; the last line is JSON, its ratios the medians of those within a round.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
from harvest_saelens import NAME as PEER
from harvest_saelens import SAELens, saelens_python
from peers import warn_if_busy
from tqdm import tqdm

from resources.environment import models as models_home  # before torch: it says how idle threads wait

# isort: split
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from assets.activations.cache import fill
from assets.activations.harvest.reader import Reader, Text
from assets.activations.shards.part import Filing, Part
from assets.activations.shards.shard_files import write_part
from assets.activations.shards.shards import Shards
from resources.lake.lake import fsync
from resources.models.model_source import model_folder
from resources.models.tokens import Tokens
from resources.settings.profile import Profile

ROUNDS, THREADS, SEED, DRAWN = 5, 2, 0, 64
BLOCKS, FIRST_BLOCKS = range(30), range(16)
STORED_TOKENS, D_MODEL = 15_000, 576
MATRIX, PRODUCTS = 8192, 100
PROFILE = Profile(name="benchmark")
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
STORAGE = {
    "write": "written, before fsync",
    "write synced": "written, with fsync",
    "read": "read from the page cache, hashes checked",
    "read again": "read again, its hashes known to be right",
}

Round = dict[str, float]
"""Tokens a second, or gigabytes a second; what was not measured is not in it."""


@dataclass(frozen=True)
class Work:
    """What all read: texts, the batches of token ids that ours makes of them, and the tokens in these."""

    texts: list[Text]
    batches: list[Tensor]
    tokens: int


class Ours:
    """The reader of texts, as the product has it."""

    def __init__(self, models: Path, bar: tqdm) -> None:
        self._bar = bar
        self._reader = Reader(PROFILE, models, self._progress, lambda sentence: None)
        self.device = self._reader.model.devices[0]

    def work(self, descriptions: Sequence[str]) -> Work:
        """Texts, and the batches in which the model gets them, as taken down in its place."""
        texts = [Text(f"{number:05d}", text, "") for number, text in enumerate(descriptions)]
        batches: list[Tensor] = []

        def take_down(ids: Any, blocks: Any, keep: Callable[[int, Tensor], None], device: int = 0) -> None:
            batches.append(torch.as_tensor(ids, dtype=torch.long))
            for block in blocks:
                keep(block, torch.zeros(1).expand(*batches[-1].shape, D_MODEL))

        with patch.object(self._reader.model, "read", take_down):
            tokens = sum(part.rows for parts in self._reader.read(self._reader.groups(texts, BLOCKS)) for part in parts)
        return Work(texts, batches, tokens)

    def seconds(self, work: Work, blocks: range) -> tuple[float, float]:
        """From texts to shards: before fsync, and after it."""
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            fill(Path(folder), work.texts, blocks, [], self._reader)
            written = time.perf_counter()
            flush(Path(folder))
            return written - started, time.perf_counter() - started

    @contextmanager
    def _progress(self, total: int, unit: str) -> Iterator[Callable[[int], object]]:
        yield self._bar.update


class Decoder:
    """The plain model of transformers, without its head."""

    def __init__(self, folder: Path, device: Any, bar: tqdm) -> None:
        disable_progress_bar()
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, device.dtype), local_files_only=True)
        self._model, self._device, self._bar = model.model.eval().to(device.name), device.name, bar

    def seconds(self, work: Work) -> float:
        """Reads all batches and keeps nothing."""
        started = time.perf_counter()
        with torch.inference_mode():
            for ids in work.batches:
                self._model(input_ids=ids.to(self._device), use_cache=False)
                self._bar.update(ids.numel())
            self._wait()
        return time.perf_counter() - started

    def share_of_peak(self, work: Work) -> float | None:
        """Share of a GPU's peak that one token a second is; None on a CPU."""
        if self._device == "cpu":
            return None
        with FlopCounterMode(display=False) as counter:
            self.seconds(work)
        return counter.get_total_flops() / work.tokens / self._peak()

    def _peak(self) -> float:
        """Operations a second of large products of matrices of the model's type."""
        a = torch.randn(MATRIX, MATRIX, device=self._device, dtype=self._model.dtype)
        seconds = 0.0
        for _ in range(2):  # the first warms up
            self._wait()
            started = time.perf_counter()
            for _ in range(PRODUCTS):
                a @ a
            self._wait()
            seconds = time.perf_counter() - started
        return PRODUCTS * 2 * MATRIX**3 / seconds

    def _wait(self) -> None:
        if self._device != "cpu":
            torch.cuda.synchronize()


class Bench:
    """All that read, with one bar of tokens for all of them."""

    def __init__(self, ours: Ours, decoder: Decoder, peer: SAELens | None, bar: tqdm) -> None:
        self._ours, self._decoder, self._peer, self._bar = ours, decoder, peer, bar

    def rounds(self, descriptions: Sequence[str], n: int) -> list[Round]:
        """So many rounds; prints their table."""
        work = self._ours.work(descriptions)
        self._bar.reset(n * work.tokens * (4 if self._peer else 3))
        found = [self._round(work) for _ in range(n)]
        device, share = self._ours.device, self._decoder.share_of_peak(work)
        what = f"{len(descriptions)} descriptions, {work.tokens:,} tokens, {n} rounds"
        self._bar.clear()
        show(f"{what}; {device.name}, {device.dtype}, {THREADS} threads", reading_table(found, share))
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
def opened(models: Path, venvs: Path) -> Iterator[Bench]:
    """Everything, its models loaded and each run once."""
    python = saelens_python(venvs)
    with tqdm(unit="tokens", unit_scale=True, disable=None, smoothing=0) as bar:
        ours, folder = Ours(models, bar), model_folder(PROFILE.model, models)
        decoder = Decoder(folder, ours.device, bar)
        job = {"model": str(folder), "d_model": D_MODEL, "block": BLOCKS[-1], "dtype": ours.device.dtype}
        job |= {"device": ours.device.name, "batch_tokens": ours.device.batch_tokens}
        warm_up = ours.work(["A company that makes things and sells them."])
        decoder.seconds(warm_up)
        ours.seconds(warm_up, BLOCKS)
        with SAELens(python, job, THREADS) if python else nullcontext() as peer:
            yield Bench(ours, decoder, peer, bar)


def reading_table(rounds: list[Round], share: float | None) -> pl.DataFrame:
    """Tokens a second, of the limit, and of a GPU's peak; `share`: see `Decoder.share_of_peak`."""
    rows = []
    for reader, blocks, name, limit in READERS:
        rates = [one[name] for one in rounds if name in one]
        reads_all = name in ("limit", "ours", "ours synced")
        rows.append(
            {"reader": reader, "blocks kept": blocks}
            | summary(rates, "tokens_per_s", 1)
            | {"of_limit": ratio(rounds, name, limit)}
            | {"of_gpu_peak": round(median(rates) * share, 3) if share and reads_all else None}
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def summary(rates: list[float], name: str, digits: int) -> dict[str, object]:
    """Median and range; blank where there are none."""
    if not rates:
        return {name: None, "range": None}
    return {name: round(median(rates), digits), "range": f"{min(rates):.{digits}f} to {max(rates):.{digits}f}"}


def ratio(rounds: list[Round], name: str, other: str) -> float | None:
    """Median of the ratios within a round; None where one of the two was not measured."""
    ratios = [one[name] / one[other] for one in rounds if name in one and other in one]
    return round(median(ratios), 3) if ratios else None


def storage_rounds(n: int) -> list[Round]:
    """So many rounds of a part of the usual size, of random bits; prints their table."""
    numbers, rows = np.random.default_rng(SEED), np.arange(STORED_TOKENS, dtype=np.int32)
    bits = {block: numbers.integers(0, 1 << 16, (STORED_TOKENS, D_MODEL), dtype=np.uint16) for block in BLOCKS}
    part = Part((Filing("synthetic", "", Tokens(rows, rows, rows + 1)),), bits, dict.fromkeys(BLOCKS, "float16"))
    found = [storage_round(part) for _ in tqdm(range(n), "shards", disable=None)]
    rows = [{"shards": STORAGE[name]} | summary([one[name] for one in found], "gb_per_s", 2) for name in STORAGE]
    show(f"{len(BLOCKS)} blocks of {STORED_TOKENS:,} tokens, d = {D_MODEL}, {n} rounds", pl.DataFrame(rows))
    return found


def storage_round(part: Part) -> Round:
    """Gigabytes a second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.sync()
        started = time.perf_counter()
        write_part(folder, 0, part, {"model": "none"})
        written = time.perf_counter() - started
        flush(folder)
        synced = time.perf_counter() - started
        shards = Shards(folder)
        seconds = [written, synced, seconds_to_read(shards), seconds_to_read(shards)]
    gigabytes = sum(bits.nbytes for bits in part.bits.values()) / 1e9
    return {name: gigabytes / spent for name, spent in zip(STORAGE, seconds, strict=True)}


def seconds_to_read(shards: Shards) -> float:
    """Looks at every byte of every block; a file's hash is checked when it is read for the first time."""
    started = time.perf_counter()
    for block in shards.blocks:
        shards.activations(block).view(np.uint8).max()
    return time.perf_counter() - started


def flush(folder: Path) -> None:
    """Force all below a folder to the disk."""
    for path in folder.rglob("*"):
        fsync(path)


def show(title: str, table: pl.DataFrame) -> None:
    """Print a table; what was not measured is blank."""
    cells = table.select(pl.all().cast(pl.String).fill_null(""))
    plain = {"tbl_hide_dataframe_shape": True, "tbl_hide_column_data_types": True}
    with pl.Config(tbl_cols=-1, tbl_rows=-1, tbl_width_chars=160, fmt_str_lengths=50, **plain):
        print(f"{title}\n{cells}", flush=True)


def arguments() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--texts", type=int, default=DRAWN, help="descriptions drawn by seed")
    parser.add_argument("--full", action="store_true", help="all descriptions once, too: half an hour on two cores")
    parser.add_argument("--models", type=Path, default=models_home(), help="folder of converted models")
    parser.add_argument("--venvs", type=Path, default=Path("~/.cache/peerlens-benchmarks").expanduser())
    return parser.parse_args()


def main() -> None:
    """Print the tables and the claims."""
    options = arguments()
    torch.set_num_threads(THREADS)
    source = Path(os.environ.get("PEERLENS_TESTDATA", "../shared/data")) / "sp500" / "companies.parquet"
    if not source.is_file():
        raise SystemExit(f"no descriptions in {source}; set PEERLENS_TESTDATA")
    warn_if_busy()
    descriptions = pl.read_parquet(source)["description"]
    with opened(options.models, options.venvs) as bench:
        chosen = np.random.default_rng(SEED).choice(descriptions.len(), options.texts, replace=False)
        rounds = bench.rounds(descriptions.gather(chosen).to_list(), options.rounds)
        if options.full:
            bench.rounds(descriptions.to_list(), 1)
    stored = storage_rounds(options.rounds)
    claims = {
        "harvest_vs_forward": ratio(rounds, "ours", "limit"),
        "harvest16_vs_limit": ratio(rounds, "ours16", "limit16"),
        "harvest_vs_saelens": ratio(rounds, "ours", "saelens"),
        "write_gb_s": round(median(one["write"] for one in stored), 2),
        "read_gb_s": round(median(one["read"] for one in stored), 2),
    }
    print(json.dumps(claims))


if __name__ == "__main__":
    main()
