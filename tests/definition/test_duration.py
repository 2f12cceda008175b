from __future__ import annotations

import pytest

from stepwell.definition.duration import DurationError, parse_duration

DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("given", "micros"),
    [
        ("PT1.5S", 1_500_000),
        ("PT0.000001S", 1),
        ("P1DT2H", DAY + 7_200_000_000),
        ("P2W", 14 * DAY),
        ("P1Y", 365 * DAY),
        ("P1M", 30 * DAY),
        ("PT1M30S", 90_000_000),
        ("PT0S", 0),
        ({"seconds": 3}, 3_000_000),
        ({"days": 1, "hours": 1, "minutes": 1, "seconds": 1, "milliseconds": 1}, DAY + 3_661_001_000),
        ({"seconds": 0.5}, 500_000),
    ],
)
def test_durations(given, micros):
    assert parse_duration(given) == micros


@pytest.mark.parametrize(
    "given",
    ["", "P", "PT", "P1DT", "1S", "pt1s", "PT1,5S", "-PT1S", "PT1S ago", "P" + "9" * 400 + "D", "PT99999999999999H", 5, None,
     True, [], {}, {"second": 1}, {"seconds": "1"}, {"seconds": -1}, {"seconds": True}, {"days": float("nan")},
     {"days": 10**14}],
)  # fmt: skip
def test_no_durations(given):
    with pytest.raises(DurationError):
        parse_duration(given)
