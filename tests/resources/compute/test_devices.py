import psutil
import pytest
import torch

from resources.compute.devices import DTypeError, Processor, configured, cpu_has_bfloat16, devices

CPU = Processor("cpu", bfloat16=True, free_bytes=24_000_000_000)
H100 = Processor("cuda:0", bfloat16=True, free_bytes=80_000_000_000)
A100 = Processor("cuda:1", bfloat16=True, free_bytes=40_000_000_000)
T4 = Processor("cuda:1", bfloat16=False, free_bytes=15_000_000_000)


def test_a_cpu_computes_in_float32_even_where_it_has_bfloat16_units() -> None:
    (cpu,) = configured([CPU], "auto")
    assert (cpu.name, cpu.dtype, cpu.free_bytes) == ("cpu", "float32", 24_000_000_000)
    assert (cpu.batch_tokens, cpu.shard_tokens, cpu.length_multiple) == (1, 16_384, 1)


def test_a_cpu_reads_every_window_alone_whatever_is_asked_for_and_a_gpu_as_many_as_asked_for() -> None:
    (cpu,), (gpu,) = configured([CPU], "auto"), configured([H100], "auto")
    assert (cpu.tokens_at_once(None), cpu.tokens_at_once(4096)) == (1, 1)
    assert (gpu.tokens_at_once(None), gpu.tokens_at_once(4096)) == (16_384, 4096)


def test_a_cpu_with_the_units_computes_in_bfloat16_where_asked() -> None:
    assert configured([CPU], "bfloat16")[0].dtype == "bfloat16"


def test_every_gpu_is_a_device_in_bfloat16_with_larger_batches() -> None:
    found = configured([H100, A100], "auto")
    assert [(one.name, one.dtype, one.free_bytes) for one in found] == [
        ("cuda:0", "bfloat16", 80_000_000_000),
        ("cuda:1", "bfloat16", 40_000_000_000),
    ]
    assert {(one.batch_tokens, one.shard_tokens, one.length_multiple) for one in found} == {(16_384, 262_144, 8)}


def test_one_gpu_without_the_units_puts_all_in_float32() -> None:
    assert [one.dtype for one in configured([H100, T4], "auto")] == ["float32", "float32"]
    assert [one.dtype for one in configured([H100, A100], "float32")] == ["float32", "float32"]


@pytest.mark.parametrize("processor", [T4, Processor("cpu", bfloat16=False, free_bytes=1)])
def test_bfloat16_without_the_units_is_refused(processor: Processor) -> None:
    with pytest.raises(DTypeError, match=rf"^model\.dtype bfloat16: {processor.name} .*set model\.dtype to auto"):
        configured([processor], "bfloat16")


def test_the_units_of_x86_and_arm_count_and_no_others() -> None:
    assert cpu_has_bfloat16({"avx512_bf16": True})
    assert cpu_has_bfloat16({"amx_bf16": True, "avx512_bf16": False})
    assert cpu_has_bfloat16({"bf16": True})
    assert not cpu_has_bfloat16({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False, "architecture": "x86_64"})


def test_the_devices_of_this_machine_are_what_torch_finds() -> None:
    found = devices("float32")
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    assert [one.name for one in found] == (gpus or ["cpu"])
    assert {one.dtype for one in found} == {"float32"}
    assert all(one.free_bytes > 0 for one in found)
    if not gpus:
        assert found[0].free_bytes <= psutil.virtual_memory().total
