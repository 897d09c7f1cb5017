"""The peer of harvest.py: SAELens' cached-activations runner, in a virtual environment and a process of its own.

Run as a script, by the peer's python, it reads jobs, one JSON object a line, and answers with tokens and the seconds
from texts to a data set on the disk, before fsync; the model is loaded before the clock starts. The runner stores one
hook a run. Its default class of models, HookedTransformer, does not know SmolLM2; its other one hooks the modules of
the transformers model, and stops after the hooked layer.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

NAME = "sae-lens 6.54.12"
PINNED = ["sae-lens==6.54.12", "transformer-lens==3.9.0", "datasets==5.2.0"]
CONTEXT = 256
"""Tokens of a window: it joins the texts and cuts them, here to about the length of a description."""
STORED_BYTES = 4
"""Of a number: the runner's default is float32."""


class SAELens:
    """The runner's process; it waits on its input while others are measured.

    Parameters
    ----------
    python : its virtual environment's
    job : what all jobs share: model (a folder), d_model, block, dtype, device, batch_tokens
    threads : of torch
    """

    def __init__(self, python: Path, job: dict[str, object], threads: int) -> None:
        self._job, self._log = job, tempfile.TemporaryFile("w+")  # noqa: SIM115 - open for as long as the process
        ours = ("PYTHONPATH", "OMP_WAIT_POLICY")
        environment = {key: value for key, value in os.environ.items() if key not in ours}
        environment |= {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._log}
        self._process = subprocess.Popen([python, __file__], env=environment, text=True, **pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def rate(self, texts: list[str], tokens: int) -> float:
        """Tokens a second of caching one hook of texts that have so many tokens."""
        print(json.dumps(self._job | {"texts": texts, "tokens": tokens}), file=self._process.stdin, flush=True)
        if not (line := self._process.stdout.readline()):
            self._log.seek(0)
            raise SystemExit(f"{NAME} failed:\n{self._log.read()[-2000:]}")
        answer = json.loads(line)
        return answer["tokens"] / answer["seconds"]


def saelens_python(venvs: Path) -> Path | None:
    """Python of the virtual environment, which is made where it is missing; None where it cannot be installed.

    torch and transformers are of our versions, so that both sides run the same kernels.
    """
    ours = [f"{name}=={version(name).partition('+')[0]}" for name in ("torch", "transformers")]
    venv, wanted = venvs / "saelens", "\n".join(PINNED + ours)
    python, made_of = venv / "bin" / "python", venv / "made-of.txt"
    if made_of.is_file() and made_of.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {NAME} into {venv}: about 2 GB", file=sys.stderr)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *PINNED, *ours], check=True)
    except subprocess.CalledProcessError as error:
        print(f"no numbers of {NAME}: {error}", file=sys.stderr)
        return None
    made_of.write_text(wanted, encoding="utf-8")
    return python


def settings(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Of a run over whole batches; all of it fits one buffer, as it would the default of 2 GB."""
    batch = CONTEXT * max(1, job["batch_tokens"] // CONTEXT)
    tokens = batch * max(1, job["tokens"] // batch)
    return {
        "dataset_path": "texts of the job",
        "model_name": job["model"],
        "model_class_name": "AutoModelForCausalLM",
        "model_from_pretrained_kwargs": {"dtype": job["dtype"]},
        "model_batch_size": batch // CONTEXT,
        "context_size": CONTEXT,
        "hook_name": f"model.layers.{job['block']}",
        "d_in": job["d_model"],
        "training_tokens": tokens,
        "buffer_size_gb": (tokens + 0.5) * job["d_model"] * STORED_BYTES / 1e9,
        "new_cached_activations_path": str(folder),
        "device": job["device"],
        "prepend_bos": False,
    }


def answer(job: dict[str, Any]) -> dict[str, float]:
    """Do a job."""
    import torch  # noqa: PLC0415 - here and below: the environment of the peer
    from datasets import Dataset  # noqa: PLC0415
    from sae_lens import CacheActivationsRunner, CacheActivationsRunnerConfig  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        texts = Dataset.from_dict({"text": job["texts"]})
        config = CacheActivationsRunnerConfig(**settings(job, Path(folder) / "cached"))
        runner = CacheActivationsRunner(config, override_dataset=texts)
        with torch.inference_mode():
            runner.model(
                torch.zeros((1, 8), dtype=torch.long, device=job["device"])
            )  # weights are read when first used
        started = time.perf_counter()
        cached = runner.run()
        return {"tokens": len(cached) * CONTEXT, "seconds": time.perf_counter() - started}


def main() -> None:
    """Do all jobs."""
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            found = answer(json.loads(line))
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
