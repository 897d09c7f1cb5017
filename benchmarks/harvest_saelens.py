"""The peer of harvest.py: SAELens' cached-activations runner, in a virtual environment and a process of its own.

Run as a script, by the peer's python, it reads jobs, one JSON object a line, and answers with tokens and the seconds
from texts to a data set on the disk, before fsync; the model is loaded before the clock starts. The runner stores one
hook a run. Its default class of models, HookedTransformer, does not know SmolLM2; its other one hooks the modules of
the transformers model, and stops after the hooked layer.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from peers import Worker, peer_python, serve

NAME = "sae-lens 6.54.12"
PINNED = ["sae-lens==6.54.12", "transformer-lens==3.9.0", "datasets==5.2.0"]
CONTEXT = 256
"""Tokens of a window: it joins the texts and cuts them, here to about the length of a description."""
STORED_BYTES = 4
"""Of a number: the runner's default is float32."""


class SAELens(Worker):
    """The runner's process.

    Parameters
    ----------
    python : its virtual environment's
    job : what all jobs share: model (a folder), d_model, block, dtype, device, batch_tokens
    threads : of torch
    """

    def __init__(self, python: Path, job: dict[str, object], threads: int) -> None:
        super().__init__(NAME, python, Path(__file__), threads)
        self._job = job

    def rate(self, texts: list[str], tokens: int) -> float:
        """Tokens a second of caching one hook of texts that have so many tokens."""
        found = self.ask(self._job | {"texts": texts, "tokens": tokens})
        return found["tokens"] / found["seconds"]


def saelens_python(venvs: Path) -> Path | None:
    """Python of the virtual environment; None where it cannot be installed."""
    return peer_python(venvs / "saelens", NAME, PINNED, ("torch", "transformers"))


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


if __name__ == "__main__":
    serve(answer)
