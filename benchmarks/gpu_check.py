"""Whether reading and training are right and fast on a GPU: one command for a machine with torch and transformers.

`make gpu-check`, or `python benchmarks/gpu_check.py [--core]`, needs no network, no Dagster and no DuckDB. It

1. unpacks the wheels that `benchmarks/gpu_wheels.py` put into `.wheels`, where there are any;
2. makes random models, activations and autoencoders (`--seed` repeats them) and their float64 references on the CPU;
3. reads and trains on the GPU in float32 and bfloat16, and compares;
4. unless `--core` is given, trains whole runs over shards, and runs harvest.py and sae_train.py there.

Without a CUDA device it stops after 2, says so in one line, and exits with 2. `--device cpu` makes the same comparisons
on the CPU and leaves the benchmarks out. The last line is JSON; the exit code is 1 where a comparison fails.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpu_findings import Check, Finding

ROOT = Path(__file__).parents[1]
THREADS = 1
"""Of the references: their matrices are small, and threads that wait for each other cost more than they bring."""
WHEELS, SITE, VENVS = ROOT / ".wheels", ROOT / ".wheel-site", ROOT / ".wheel-venvs"
BENCHMARK_SECONDS = 240
"""After which a benchmark is given up: a command on a lent machine may have ten minutes for everything."""
TEXTS, WORDS = 1000, (100, 400)
"""For harvest.py: enough tokens for batches of 16,384."""


def unpack(wheels: Path, site: Path) -> int:
    """Install wheels that are not unpacked yet, and put their folder in front of all others; return how many are."""
    noted = site / "unpacked.txt"
    done = set(noted.read_text(encoding="utf-8").split()) if noted.is_file() else set()
    ours = [wheel for wheel in sorted(wheels.glob("*/*.whl")) if not wheel.parent.name.startswith("peers")]
    new = [wheel for wheel in ours if wheel.name not in done]
    if new:
        options = ["--no-index", "--no-deps", "--no-compile", "--quiet", "--upgrade", "--target", site]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, *new], check=True)
        noted.write_text("\n".join(sorted(done | {wheel.name for wheel in new})), encoding="utf-8")
    if site.is_dir():
        sys.path.insert(0, str(site))
    return len(done) + len(new)


def prepared(folder: Path, seed: int, *, core: bool, smollm2: bool) -> "tuple[list[Check], list[str]]":
    """Return the checks with their references, and what is left out, each with its reason."""
    import torch  # noqa: PLC0415
    from gpu_reading import reading_checks  # noqa: PLC0415 - here and below: what it imports may be in the wheels
    from gpu_training import training_checks  # noqa: PLC0415

    torch.set_num_threads(min(torch.get_num_threads(), THREADS))
    checks = reading_checks(folder, seed, smollm2=smollm2) + training_checks(seed)
    if core:
        return checks, ["training runs over shards: --core"]
    try:
        from gpu_run import run_checks  # noqa: PLC0415
    except ModuleNotFoundError as error:
        return checks, [f"training runs over shards: {error}"]
    return checks + run_checks(folder, seed), []


def outcomes(checks: "list[Check]", device: str) -> "Iterator[Finding]":
    """Run all checks, and print what each finds; one that breaks is a failure, and the next go on."""
    from gpu_findings import Finding  # noqa: PLC0415

    for check in checks:
        try:
            for finding in check.on(device):
                print(finding, flush=True)
                yield finding
        except Exception as error:
            print(f"FAIL {check.name}: {type(error).__name__}: {error}", flush=True)
            yield Finding(check.name, float("nan"), 0)


def benchmark(script: str, *options: object) -> dict[str, object]:
    """Run a benchmark, print its tables, and return what its last line says; empty where it fails."""
    paths = [str(SITE), str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path), "HF_HUB_OFFLINE": "1"}
    if WHEELS.is_dir():
        links = " ".join(str(folder) for folder in sorted(WHEELS.iterdir()))
        environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links}
    command = [sys.executable, Path(__file__).with_name(script), *map(str, options), "--venvs", str(VENVS)]
    try:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, timeout=BENCHMARK_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        print(f"{error.stdout or ''}\n{script} took more than {BENCHMARK_SECONDS} seconds")
        return {}
    print(done.stdout, flush=True)
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if done.returncode == 0 and lines else {}


def benchmarks(folder: Path, device: str, seed: int) -> dict[str, object]:
    """Run harvest.py and sae_train.py; SmolLM2's shape with random weights is as fast as SmolLM2."""
    from gpu_llama import SMOLLM2, save_llama  # noqa: PLC0415

    texts = folder / "texts"
    _write_texts(texts, seed)
    model = save_llama(folder / "smollm2-shape", SMOLLM2, seed)
    reading = ["--model", model, "--models", folder / "models", "--descriptions", texts, "--texts", TEXTS]
    return benchmark("harvest.py", *reading) | benchmark("sae_train.py", "--device", device)


def _write_texts(folder: Path, seed: int) -> None:
    import numpy as np  # noqa: PLC0415

    folder.mkdir()
    random = np.random.default_rng(seed)
    for number in range(TEXTS):
        words = random.integers(3, 40_000, random.integers(*WORDS))
        (folder / f"{number:04d}.txt").write_text(" ".join(f"w{word}" for word in words), encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda:0", help="as torch names it")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="of all random input")
    parser.add_argument("--core", action="store_true", help="without runs over shards, and without the benchmarks")
    parser.add_argument("--unpack", action="store_true", help="only unpack the wheels of this trip")
    return parser.parse_args()


def main() -> None:
    """Check, and print the findings and the claims."""
    options = arguments()
    unpacked = unpack(WHEELS, SITE)
    print(f"{unpacked} wheels unpacked; seed {options.seed}", flush=True)
    if options.unpack:
        return
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        try:
            checks, left_out = prepared(Path(folder), options.seed, core=options.core, smollm2=options.device != "cpu")
        except ModuleNotFoundError as error:
            print(f"{error}: collect the wheels with benchmarks/gpu_wheels.py, and bring .wheels", file=sys.stderr)
            raise SystemExit(2) from error
        stop_without(options.device, len(checks))
        found = list(outcomes(checks, options.device))
        claims = (
            {} if options.core or options.device == "cpu" else benchmarks(Path(folder), options.device, options.seed)
        )
    for reason in left_out:
        print(f"left out: {reason}")
    failed = sum(not one.passed for one in found)
    print(json.dumps({"comparisons": len(found), "failed": failed, "left_out": len(left_out)} | claims))
    sys.exit(failed > 0)


def stop_without(device: str, ready: int) -> None:
    """Exit with 2 where the device is a GPU and there is none."""
    import torch  # noqa: PLC0415

    if device != "cpu" and not torch.cuda.is_available():
        print(f"no CUDA device on this machine: {ready} checks and their float64 references are ready, none was run")
        raise SystemExit(2)


if __name__ == "__main__":
    main()
