"""Which libraries an artefact's content depends on, so that their upgrade makes it again, and which it does not."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version

COUNTED = {
    "duckdb": ("duckdb",),  # writes the file that people open, in its own storage version
    "edgar": ("edgartools", "lxml"),  # cuts Item 1, from what lxml parsed
    "edgar_itemize": ("edgar-itemize",),  # cuts Item 1
    "igraph": ("igraph",),
    "jinja2": ("jinja2",),  # writes the atlas
    "leidenalg": ("leidenalg",),  # forms groups, where a profile asks for it
    "numpy": ("numpy",),
    "rapidfuzz": ("rapidfuzz",),  # rates how far two texts agree
    "scipy": ("scipy",),
    "sentencex": ("sentencex",),  # finds where sentences end
    "sklearn": ("scikit-learn",),
    "statsmodels": ("statsmodels",),
    "tokenizers": ("tokenizers",),
    "torch": ("torch",),
    "transformer_lens": ("transformer-lens",),
    "transformers": ("transformers", "tokenizers"),  # its tokenizers are those of `tokenizers`
    "yfinance": ("yfinance",),  # adjusts prices
}
"""Import name -> distributions whose version counts: their results are in the tables, or are what people read."""
OPTIONAL = {"igraph", "leidenalg"}
"""Distributions of extras, which may be missing; installing one counts as an upgrade."""
NOT_COUNTED = {
    "PIL": "pictures: they are looked at, nothing is made of them",
    "curl_cffi": "fetches bytes",
    "filelock": "locks",
    "h2": "fetches bytes",
    "httpx": "fetches bytes",
    "httpx2": "fetches bytes",
    "huggingface_hub": "fetches files, known by their hash or commit",
    "matplotlib": "pictures and colours",
    "pebble": "worker processes",
    "polars": "tables: joins, filters and sorts are exact; its sums may differ in the last bit between versions, which "
    "is no reason to train anew",
    "psutil": "asks the machine for its memory",
    "pyarrow": "writes tables; a file's layout is not what it says",
    "pydantic": "settings: their values are in the recipe",
    "safetensors": "writes tensors bit by bit",
    "threadpoolctl": "sets how many threads there are; code that uses it says how many",
    "tqdm": "shows progress",
    "umap": "an extra that need not be here; whoever asks for it has its version in the recipe",
    "xxhash": "a hash function: its algorithm says what comes out",
    "yaml": "settings: their values are in the recipe",
}
"""Import name -> why an upgrade changes no artefact."""


def counted(imports: Iterable[str]) -> list[str]:
    """Return 'distribution==version' of the imported libraries that count, sorted; one that is in no list counts."""
    names = {name for one in imports if one not in NOT_COUNTED for name in COUNTED.get(one, (one,))}
    return sorted(f"{name}=={_version(name)}" for name in names)


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        if distribution in OPTIONAL:
            return "none"
        raise
