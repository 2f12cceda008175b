"""What ranges of versions mean."""

from __future__ import annotations

import pytest

from stepwell.definition.semver import is_range, matches, newest


@pytest.mark.spec("S8")
@pytest.mark.parametrize(
    ("wanted", "inside", "outside"),
    [
        ("1.2.3", ["1.2.3"], ["1.2.4", "1.2.3-rc.1"]),
        ("^1.2", ["1.2.0", "1.2.9", "1.99.0"], ["1.1.9", "2.0.0", "2.0.0-rc.1", "1.2.0-rc.1", "0.2.0"]),
        ("^1.2.3", ["1.2.3", "1.3.0"], ["1.2.2", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4", "0.0.2"]),
        ("^0.0", ["0.0.0", "0.0.7"], ["0.1.0"]),
        ("^0", ["0.0.1", "0.9.0"], ["1.0.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0", "1.2.2"]),
        ("~1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
        (
            "^1.2.3-beta.2",
            ["1.2.3-beta.2", "1.2.3-beta.10", "1.2.3", "1.4.0"],
            ["1.2.3-beta.1", "1.3.0-beta.3"],
        ),
        ("latest", ["0.0.1", "9.0.0-rc.1"], []),
    ],
)
def test_what_is_in_a_range(wanted: str, inside: list[str], outside: list[str]) -> None:
    assert [version for version in inside + outside if matches(version, wanted)] == inside


def test_the_highest_wins_and_what_is_no_range_is_none() -> None:
    assert newest(["1.2.0", "1.10.0", "1.9.9", "2.0.0"], "^1.2") == "1.10.0"
    assert newest(["1.0.0"], "^2") is None
    for odd in ("", "^", "^x", "1.x", ">=1", "^1.2.3.4", "~01.2", "^" + "9" * 500, "latest ", "*"):
        assert not is_range(odd), odd
