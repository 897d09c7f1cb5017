"""Names of entries, and the folders of their weights."""

from assets.saes.names import group_name


def test_group_names_tell_runs_from_gaps() -> None:
    assert group_name([8, 9, 10, 11]) == "blocks-08-11"
    assert group_name([29]) == "block-29"
    assert group_name([2, 5]) == "blocks-02+05"
    assert group_name([2, 3, 9]) == "blocks-02+03+09"
