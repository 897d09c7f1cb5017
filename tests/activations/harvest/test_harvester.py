from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import pytest
import torch
from plain_layers import layer_outputs
from torch import Tensor
from transformers import AutoModelForCausalLM

from assets.activations.harvest.harvester import ActivationOverflowError, Harvester, ReadingMemoryError
from assets.activations.harvest.windows import WindowSettings, windows
from assets.activations.shards.part import Filing, Part, values
from resources import places
from resources.models.language_model import LanguageModel, open_language_model
from resources.models.model_source import model_folder
from resources.models.tokens import Tokens
from resources.settings.model import Model

SAMPLE = places.SAMPLE / "descriptions"
BLOCKS = (3, 0, 4)
DEEP = (12, 0, 29)
PACKED = WindowSettings(window_tokens=1024, overlap_tokens=128, batch_tokens=1024, length_multiple=1)
PADDED = WindowSettings(window_tokens=1024, overlap_tokens=128, batch_tokens=512, length_multiple=8)
WINDOWED = WindowSettings(window_tokens=24, overlap_tokens=7, batch_tokens=64, length_multiple=1)
READINGS = pytest.mark.parametrize("reading", [PACKED, PADDED, WINDOWED], ids=["packed", "padded", "windowed"])
Keep = Callable[[int, Tensor], None]


@pytest.fixture(scope="module")
def model(models_home: Path) -> LanguageModel:
    return open_language_model(Model(), models_home)


@pytest.fixture(scope="module")
def on_two_devices(model: LanguageModel, models_home: Path) -> LanguageModel:
    return open_language_model(Model(), models_home, model.devices * 2)


@pytest.fixture(scope="module")
def plain(models_home: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(model_folder(Model(), models_home), dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def filings(model: LanguageModel) -> list[Filing]:
    """Lengths that make windows, padding and batches of one length; one is empty."""
    lengths = {"KO": 45, "PEP": 43, "PG": 45, "INTC": 21, "MU": 0, "CL": 45}
    return [filing(model, ticker, n) for ticker, n in lengths.items()]


def whole(parts: list[Part]) -> Part:
    """The only part."""
    (part,) = parts
    return part


def filing(model: LanguageModel, ticker: str, n: int) -> Filing:
    tokens = model.tokenize((SAMPLE / f"{ticker}.txt").read_text(encoding="utf-8"))
    cut = Tokens(tokens.ids[:n], tokens.char_start[:n], tokens.char_end[:n])
    return Filing(f"sample-{ticker}", "digest", cut)


class Through:
    """The real model, with something done around its `read`."""

    def __init__(self, model: LanguageModel) -> None:
        self._model, self.devices = model, model.devices
        self.shapes: list[tuple[int, int]] = []
        self.threads: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def read(self, ids: np.ndarray, blocks: Sequence[int], keep: Keep, device: int = 0) -> None:
        self.shapes.append(ids.shape)
        self.threads.add(get_ident())
        self._model.read(ids, blocks, lambda block, stream: self.kept(keep, block, stream), device)

    def kept(self, keep: Keep, block: int, stream: Tensor) -> None:
        keep(block, stream)


class Recorded(Through):
    """Remembers what it read: the stream [d_model] of every token, by block, batch and place."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__(model)
        self.batches: list[tuple[np.ndarray, dict[int, np.ndarray]]] = []

    def read(self, ids: np.ndarray, blocks: Sequence[int], keep: Keep, device: int = 0) -> None:
        self.batches.append((ids.copy(), {}))
        super().read(ids, blocks, keep, device)

    def kept(self, keep: Keep, block: int, stream: Tensor) -> None:
        self.batches[-1][1][block] = stream.numpy().copy()
        keep(block, stream)

    def stream(self, ids: np.ndarray, block: int) -> np.ndarray:
        """The stream of the window with these ids, whatever it was padded with."""
        for read, streams in self.batches:
            for row, window in enumerate(read):
                if np.array_equal(window[: len(ids)], ids) and not window[len(ids) :].any():
                    return streams[block][row, : len(ids)]
        raise AssertionError("this window was never read")


class Loud(Through):
    """At one block, the 4th token of every batch's first window has one value set."""

    def __init__(self, model: LanguageModel, block: int, value: float, batches: Sequence[int] | None = None) -> None:
        super().__init__(model)
        self._block, self._value, self._batches = block, value, batches

    def kept(self, keep: Keep, block: int, stream: Tensor) -> None:
        if block == self._block and (self._batches is None or len(self.shapes) - 1 in self._batches):
            stream = stream.clone()
            stream[0, 3, 7] = self._value
        keep(block, stream)


class Small(Through):
    """Has memory for batches of so many tokens."""

    def __init__(self, model: LanguageModel, tokens: int, error: Exception) -> None:
        super().__init__(model)
        self._tokens, self._error = tokens, error

    def read(self, ids: np.ndarray, blocks: Sequence[int], keep: Keep, device: int = 0) -> None:
        super().read(ids, blocks, keep, device)
        if ids.size > self._tokens:
            raise self._error


def harvested(model: Any, filings: Sequence[Filing], reading: WindowSettings, blocks: Sequence[int] = BLOCKS) -> Part:
    return whole(Harvester(model, blocks, reading).parts(filings))


def bits_of(part: Part, accession: str) -> dict[int, bytes]:
    first = 0
    for one in part.filings:
        if one.accession == accession:
            return {block: bits[first : first + len(one.tokens)].tobytes() for block, bits in part.bits.items()}
        first += len(one.tokens)
    raise KeyError(accession)


def same(one: Part, other: Part) -> bool:
    """Bit for bit, where both were read in the same batches."""
    assert one.dtypes == other.dtypes
    return all(np.array_equal(one.bits[block], other.bits[block]) for block in one.bits)


def same_to_rounding(one: Part, other: Part) -> bool:
    """Where they were read in other batches: a library may sum in another order then."""
    assert (one.dtypes, [f.accession for f in one.filings]) == (other.dtypes, [f.accession for f in other.filings])
    streams = (
        [values(part.bits[block], part.dtypes[block]).astype(np.float32) for part in (one, other)] for block in one.bits
    )
    return all(np.allclose(a, b, rtol=2**-9, atol=2**-9 * np.abs(b).mean()) for a, b in streams)


def one_by_one(reading: WindowSettings) -> WindowSettings:
    """The same windows, each read alone, as on a CPU."""
    return replace(reading, batch_tokens=1)


def blocks_of(plain: Any, ids: np.ndarray) -> list[np.ndarray]:
    """Outputs of every decoder block of the plain model for one window alone."""
    batch = torch.from_numpy(ids.astype(np.int64))[None]
    return [output[0].numpy() for output in layer_outputs(plain, batch)]


@READINGS
def test_streams_are_the_outputs_of_the_plain_models_blocks(
    model: LanguageModel, plain: Any, filings: list[Filing], reading: WindowSettings
) -> None:
    recorded = Recorded(model)
    part = harvested(recorded, filings, reading, DEEP)
    for document in part.documents():
        for window in windows(len(document.tokens), reading):
            ids = document.tokens.ids[window.first : window.end]
            outputs = blocks_of(plain, ids)
            for block in DEEP:
                read, expected = recorded.stream(ids, block), outputs[block]
                off = np.linalg.norm(read - expected, axis=1) / np.linalg.norm(expected, axis=1)
                assert off.max() < 1e-4
                stored = document.streams[block][window.stored : window.end]
                fresh = read[window.stored - window.first :].astype(np.float16)
                assert stored.tobytes() == fresh.tobytes()


def test_filings_of_one_length_are_read_in_one_batch(model: LanguageModel, filings: list[Filing]) -> None:
    through = Through(model)
    harvested(through, filings, PACKED, blocks=[0])
    assert through.shapes == [(3, 45), (1, 43), (1, 21)]


def test_padded_filings_share_a_batch(model: LanguageModel, filings: list[Filing]) -> None:
    through = Through(model)
    harvested(through, filings, PADDED, blocks=[0])
    assert through.shapes == [(4, 48), (1, 24)]


def test_a_long_filing_is_read_in_windows_of_one_length(model: LanguageModel, filings: list[Filing]) -> None:
    through = Through(model)
    harvested(through, filings[:1], WINDOWED, blocks=[0])
    assert through.shapes == [(3, 20)]


@READINGS
def test_a_filing_is_the_same_alone_among_others_and_in_any_order(
    model: LanguageModel, filings: list[Filing], reading: WindowSettings
) -> None:
    reading = one_by_one(reading)
    together, backwards = harvested(model, filings, reading), harvested(model, filings[::-1], reading)
    for one in filings:
        alone = bits_of(harvested(model, [one], reading), one.accession)
        assert bits_of(together, one.accession) == alone
        assert bits_of(backwards, one.accession) == alone


@READINGS
def test_a_batch_gives_the_same_to_rounding(
    model: LanguageModel, filings: list[Filing], reading: WindowSettings
) -> None:
    assert same_to_rounding(harvested(model, filings, reading), harvested(model, filings, one_by_one(reading)))


def test_one_block_is_the_same_with_and_without_the_others(model: LanguageModel, filings: list[Filing]) -> None:
    whole, one = harvested(model, filings[:2], PACKED), harvested(model, filings[:2], PACKED, blocks=[3])
    assert set(whole.bits) == set(BLOCKS)
    assert np.array_equal(whole.bits[3], one.bits[3])


def test_an_empty_filing_has_no_rows(model: LanguageModel, filings: list[Filing]) -> None:
    part = harvested(model, [filings[4]], PACKED)
    assert part.rows == 0
    assert part.bits[0].shape == (0, 576)
    assert set(part.dtypes.values()) == {"float16"}


def test_the_first_token_carries_a_massive_activation(model: LanguageModel, filings: list[Filing]) -> None:
    part = harvested(model, filings[:1], PACKED, DEEP)
    norms = np.linalg.norm(values(part.bits[12], "float16").astype(np.float32), axis=1)
    assert norms[0] > 10 * np.median(norms)


@pytest.mark.parametrize("value", [65_520.0, -70_000.0, 1e30])
def test_a_value_beyond_float16_makes_its_block_bfloat16(
    model: LanguageModel, filings: list[Filing], value: float
) -> None:
    quiet, part = harvested(model, filings[:1], PACKED), harvested(Loud(model, 3, value), filings[:1], PACKED)
    assert part.dtypes == {3: "bfloat16", 0: "float16", 4: "float16"}
    assert all(np.array_equal(part.bits[block], quiet.bits[block]) for block in (0, 4))
    recorded = Recorded(model)
    harvested(recorded, filings[:1], PACKED)
    exact = torch.from_numpy(recorded.stream(filings[0].tokens.ids, 3))
    exact[3, 7] = value
    assert np.array_equal(part.bits[3], exact.to(torch.bfloat16).view(torch.uint16).numpy())
    assert values(part.bits[3], "bfloat16")[3, 7] == pytest.approx(value, rel=2**-8)


@pytest.mark.parametrize("value", [1.0, 70_144.0])
def test_a_bfloat16_model_is_stored_bit_for_bit(model: LanguageModel, filings: list[Filing], value: float) -> None:
    """Where it is within float16, which has more digits, and where it is not."""

    class Half(Loud):
        def kept(self, keep: Keep, block: int, stream: Tensor) -> None:
            super().kept(lambda block, stream: keep(block, stream.bfloat16()), block, stream)

    recorded = Recorded(model)
    harvested(recorded, filings[:1], PACKED)
    exact = torch.from_numpy(recorded.stream(filings[0].tokens.ids, 3))
    exact[3, 7] = value
    part = harvested(Half(model, 3, value), filings[:1], PACKED)
    assert part.dtypes[3] == ("float16" if value == 1 else "bfloat16")
    normal = exact.abs() > 2**-14  # below, float16 has fewer digits than bfloat16
    stored = torch.from_numpy(values(part.bits[3], part.dtypes[3]).astype(np.float32))
    assert torch.equal(stored[normal], exact.bfloat16().float()[normal])


def test_the_largest_value_of_float16_is_no_overflow(model: LanguageModel, filings: list[Filing]) -> None:
    part = harvested(Loud(model, 3, 65_519.0), filings[:1], PACKED)
    assert part.dtypes[3] == "float16"
    assert values(part.bits[3], "float16")[3, 7] == 65_504


def test_a_loud_block_is_read_twice_once_and_decides_anew_for_every_part(
    model: LanguageModel, filings: list[Filing]
) -> None:
    loud = Loud(model, 3, 70_000.0, batches=[0, 1])
    harvester = Harvester(loud, BLOCKS, PACKED)  # type: ignore[arg-type]
    assert whole(harvester.parts(filings[:1])).dtypes[3] == "bfloat16"
    assert len(loud.shapes) == 2
    later = whole(harvester.parts(filings[1:2]))
    assert len(loud.shapes) == 3
    assert same(later, harvested(model, filings[1:2], PACKED))


def test_values_that_are_not_stored_do_not_change_the_type(model: LanguageModel, filings: list[Filing]) -> None:
    """Position 3 of the second window lies in the overlap."""
    reading = replace(WINDOWED, batch_tokens=20)
    part = harvested(Loud(model, 3, 70_000.0, batches=[1]), filings[:1], reading)
    assert same(part, harvested(model, filings[:1], reading))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_model_that_overflows_is_named_with_block_filing_and_position(
    model: LanguageModel, filings: list[Filing], value: float
) -> None:
    where = "sample-INTC: block 4, position 3: the output of HuggingFaceTB/SmolLM2"
    with pytest.raises(ActivationOverflowError, match=where):
        harvested(Loud(model, 4, value, batches=[2]), filings, PACKED)


def test_positions_are_those_of_the_filing_not_of_the_window(model: LanguageModel, filings: list[Filing]) -> None:
    short = replace(WINDOWED, overlap_tokens=2, batch_tokens=1)  # windows [0, 24) and [21, 45): position 3 is stored
    with pytest.raises(ActivationOverflowError, match="block 0, position 24"):
        harvested(Loud(model, 0, float("nan"), batches=[1]), filings[:1], short)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 2 bytes"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 2 bytes."),
        MemoryError(),
    ],
    ids=["cuda", "linux", "windows", "python"],
)
def test_out_of_memory_halves_the_batch_and_goes_on(
    model: LanguageModel, filings: list[Filing], error: Exception
) -> None:
    small, counted = Small(model, 100, error), list[int]()
    harvester = Harvester(small, BLOCKS, PACKED, counted.append)  # type: ignore[arg-type]
    part = whole(harvester.parts(filings))
    assert small.shapes == [(3, 45), (1, 45), (1, 45), (1, 45), (1, 43), (1, 21)]
    assert harvester.batch_tokens == 67
    assert sum(counted) == part.rows == 199
    assert same_to_rounding(part, harvested(model, filings, PACKED))
    harvester.parts(filings)
    assert small.shapes[6:] == [(1, 45), (1, 45), (1, 45), (1, 43), (1, 21)]


def test_a_window_that_does_not_fit_alone_is_named(model: LanguageModel, filings: list[Filing]) -> None:
    small = Small(model, 44, MemoryError())
    said = r"SmolLM2-.* on cpu: no memory to read 45 tokens at once; lower `model.context_length`"
    with pytest.raises(ReadingMemoryError, match=said):
        harvested(small, filings, PACKED)


def test_another_error_of_the_model_is_not_taken_for_memory(model: LanguageModel, filings: list[Filing]) -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        harvested(Small(model, 44, RuntimeError("mat1 and mat2 shapes cannot be multiplied")), filings, PACKED)


def test_a_part_too_large_for_memory_says_what_to_lower(model: LanguageModel) -> None:
    class Wide(Through):
        d_model = 1 << 50

    one = Filing("a", "digest", Tokens(*(np.zeros(7, dtype=np.int32) for _ in range(3))))
    with pytest.raises(ReadingMemoryError, match=r"no memory for 7 tokens at 3 blocks .*activations.shard_tokens"):
        harvested(Wide(model), [one], PACKED)


def test_several_devices_share_the_batches_with_the_same_result(
    model: LanguageModel, on_two_devices: LanguageModel, filings: list[Filing]
) -> None:
    two, counted = Through(on_two_devices), list[int]()
    part = whole(Harvester(two, BLOCKS, WINDOWED, counted.append).parts(filings))  # type: ignore[arg-type]
    assert get_ident() not in two.threads
    assert sum(counted) == part.rows
    assert same(part, harvested(model, filings, WINDOWED))


def test_an_error_on_one_of_several_devices_is_raised(on_two_devices: LanguageModel, filings: list[Filing]) -> None:
    with pytest.raises(ReadingMemoryError, match="21 tokens"):
        harvested(Small(on_two_devices, 20, MemoryError()), filings[3:5], PACKED)


def test_memory_that_runs_out_on_several_devices_changes_nothing_but_rounding(
    model: LanguageModel, on_two_devices: LanguageModel, filings: list[Filing]
) -> None:
    small, counted = Small(on_two_devices, 60, MemoryError()), list[int]()
    part = whole(Harvester(small, BLOCKS, PACKED, counted.append).parts(filings))  # type: ignore[arg-type]
    assert sum(counted) == part.rows
    assert same_to_rounding(part, harvested(model, filings, PACKED))


def test_tokens_are_counted_once_though_a_part_is_read_twice(model: LanguageModel, filings: list[Filing]) -> None:
    counted: list[int] = []
    loud = Loud(model, 3, 70_000.0, batches=[2])
    part = whole(Harvester(loud, BLOCKS, PACKED, counted.append).parts(filings))  # type: ignore[arg-type]
    assert [shape[1] for shape in loud.shapes] == [45, 43, 21, 45, 43, 21]
    assert sum(counted) == part.rows == 199
    assert min(counted) > 0
