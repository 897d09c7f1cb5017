"""Print as JSON the versions of packages and of all that they need, as installed with the Python that runs this."""

import json
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement


def closure(names: Sequence[str]) -> dict[str, str]:
    """Return name -> version of what is installed; what a package needs elsewhere, and is not here, is left out."""
    found: dict[str, str] = {}
    left = list(names)
    while left:
        name = normal(left.pop())
        if name in found:
            continue
        try:
            there = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = there.version.partition("+")[0]
        needed = (Requirement(line) for line in there.requires or ())
        left += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def normal(name: str) -> str:
    """Return a package's name as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    print(json.dumps(closure(sys.argv[1:])))
