"""Windows without scheduled runs are read as they are written, in the tenant's zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from common.errors import UsageError
from jobs.blackouts import parse

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "moment", "end"),
    [
        ("mon-fri 08:00-18:00", "2026-11-24T08:00+01:00", "2026-11-24T18:00+01:00"),
        ("mon-fri 08:00-18:00", "2026-11-24T18:00+01:00", None),
        ("mon-fri 08:00-18:00", "2026-11-22T09:00+01:00", None),
        ("sat,sun 22:00-06:00", "2026-11-23T05:59+01:00", "2026-11-23T06:00+01:00"),
        ("sat,sun 22:00-06:00", "2026-11-21T05:59+01:00", None),
        ("fri-mon 00:00-24:00", "2026-11-22T05:00+01:00", "2026-11-24T00:00+01:00"),
        (
            "daily 00:00-01:00\n\ndaily 01:00-02:00",
            "2026-11-24T00:30+01:00",
            "2026-11-24T02:00+01:00",
        ),
        ("2026-12-24..2026-12-26", "2026-12-24T00:00+01:00", "2026-12-27T00:00+01:00"),
        ("2026-12-24", "2026-12-24T12:00+01:00", "2026-12-25T00:00+01:00"),
        # The end is left out by summer time: the clocks jump from 02:00 to 03:00.
        ("daily 01:00-02:30", "2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00"),
        # The end comes twice: each time the window is over.
        ("daily 01:00-02:30", "2026-10-25T02:10+02:00", "2026-10-25T02:30+02:00"),
        ("daily 01:00-02:30", "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),
    ],
)
def test_a_window_ends_when_it_says(text: str, moment: str, end: str | None) -> None:
    inside = datetime.fromisoformat(moment).astimezone(UTC)
    windows = parse(text, BERLIN)
    assert windows.cover(inside) == (end is not None)
    assert windows.end_of(inside) == datetime.fromisoformat(end or moment)


@pytest.mark.parametrize(
    "line",
    [
        "mon-fri",
        "mon-fri 8-18",
        "weekdays 08:00-18:00",
        "mon 08:00-08:00",
        "mon 25:00-26:00",
        "mon 08:60-09:00",
        "2026-12-26..2026-12-24",
        "2026-13-01",
        "mon 08:00-09:00 UTC",
    ],
)
def test_a_line_that_is_none_is_named_with_what_is_expected(line: str) -> None:
    with pytest.raises(UsageError, match=r"line 2: .*mon-fri 08:00-18:00"):
        parse(f"daily 00:00-01:00\n{line}", BERLIN)


@pytest.mark.parametrize(
    "text", ["daily 00:00-24:00", "mon-fri 00:00-24:00\nsat,sun 00:00-12:00\nsat,sun 12:00-24:00"]
)
def test_windows_that_leave_no_time_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="whole week"):
        parse(text, BERLIN)
