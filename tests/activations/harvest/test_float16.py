import numpy as np
import torch

from assets.activations.harvest.float16 import to_16_bit
from assets.activations.shards.part import Filing, Part
from resources.models.tokens import Tokens


def filing(name: str, tokens: int) -> Filing:
    n = np.arange(tokens, dtype=np.int32)
    return Filing(name, "made", Tokens(n, n, n + 1))


def wide(parts: list[Part]) -> dict[str, tuple[tuple[str, ...], list[int]]]:
    """Of each part: its filings, and the blocks stored as bfloat16."""
    names = [tuple(one.accession for one in part.filings) for part in parts]
    return {
        names[i][0]: (names[i], [block for block, kind in part.dtypes.items() if kind == "bfloat16"])
        for i, part in enumerate(parts)
    }


FILINGS = [filing("a", 2), filing("b", 0), filing("c", 3), filing("d", 1)]
X = torch.linspace(-3, 3, 6 * 4).reshape(6, 4)


def test_what_fits_float16_is_one_part_of_its_float16_casts() -> None:
    (part,) = to_16_bit(FILINGS, {1: X.half(), 2: X})
    assert part.filings == tuple(FILINGS)
    assert part.dtypes == {1: "float16", 2: "float16"}
    assert np.array_equal(part.bits[2].view(np.float16), X.half().numpy())
    assert np.array_equal(part.bits[1], part.bits[2])


def test_a_filing_with_a_value_beyond_float16_is_bfloat16_and_changes_no_other() -> None:
    loud = X.clone()
    loud[3, 1] = 70_000.0
    parts = to_16_bit(FILINGS, {1: X.half(), 2: loud})
    assert wide(parts) == {"a": (("a", "b", "d"), []), "c": (("c",), [2])}
    quiet, other = parts
    assert np.array_equal(quiet.bits[2].view(np.float16), X.half().numpy()[[0, 1, 5]])
    assert torch.equal(torch.from_numpy(other.bits[2].copy()).view(torch.bfloat16), loud[2:5].bfloat16())
    assert np.array_equal(other.bits[1].view(np.float16), X.half().numpy()[2:5])
    assert [document.accession for part in parts for document in part.documents()] == ["a", "b", "d", "c"]


def test_the_first_value_that_rounds_to_infinity_is_the_border() -> None:
    for value, kind in ((65_519.0, "float16"), (65_520.0, "bfloat16"), (-65_520.0, "bfloat16")):
        (part,) = to_16_bit([filing("a", 1)], {0: torch.tensor([[value]])})
        assert part.dtypes == {0: kind}


def test_no_filings_are_an_empty_part() -> None:
    (part,) = to_16_bit([], {0: torch.empty(0, 4)})
    assert part.rows == 0
