"""Slots are where people expect them, also on the days on which the clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UsageError
from jobs.slots import Timetable, checked_cron, spell, zone_of
from tests.jobs.schedule_model import watched

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Pacific/Apia",
)
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    """Return an instant."""
    return datetime.fromisoformat(text).astimezone(UTC)


def slots(cron: str, zone: str, after: str, count: int) -> list[str]:
    """Return the next slots as day and time in UTC."""
    table = Timetable(ZoneInfo(zone), cron=cron)
    return [f"{slot:%d %H:%M}" for slot in islice(table.after(at(after)), count)]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 6 * * *", "UTC", "2026-01-10T12:00Z", ["11 06:00", "12 06:00"]),
        ("0 6 * * *", "Asia/Tokyo", "2026-01-10T12:00Z", ["10 21:00", "11 21:00"]),
        ("0 6 * * *", "Europe/Berlin", "2026-03-28T00:00Z", ["28 05:00", "29 04:00"]),
        # 02:30 is left out on the 29th of March: the clocks jump at 01:00 UTC.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["29 01:00", "30 00:30"]),
        ("0,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["29 01:00", "30 00:00"]),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00Z", ["30 00:30"]),
        ("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["29 01:00", "30 01:00"]),
        # 02:30 comes twice on the 25th of October, from 00:00 to 02:00 UTC.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["25 00:30", "26 01:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30Z", ["26 01:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10Z", ["26 01:30"]),
        ("30 2,3 * * *", "Europe/Berlin", "2026-10-25T00:00Z", ["25 00:30", "25 02:30"]),
        # For every hour is by elapsed time.
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:10Z", ["29 00:30", "29 01:00"]),
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:30Z",
            ["25 00:00", "25 01:00", "25 02:00"],
        ),
        # Half an hour of summer time; a day that was left out altogether.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["03 15:30", "04 15:15"]),
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", ["30 10:00"]),
    ],
)
def test_a_cron_is_read_in_its_zone(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert slots(cron, zone, after, len(expected)) == expected


def test_intervals_do_not_drift() -> None:
    anchor = at("2026-01-01T00:00:07Z")
    table = Timetable(ZoneInfo("UTC"), every=timedelta(minutes=30), anchor=anchor)
    assert table.next(at("2026-01-01T05:31:00Z")) == at("2026-01-01T06:00:07Z")
    assert table.next(at("2026-01-01T06:00:07Z")) == at("2026-01-01T06:30:07Z")
    assert table.next(at("2025-12-31T23:10:00Z")) == at("2025-12-31T23:30:07Z")
    assert table.last(at("2026-01-01T06:00:06Z")) == at("2026-01-01T05:30:07Z")


@pytest.mark.parametrize(
    "text", ["every day", "", "* * * * * *", "R 1 * * *", "61 * * * *", "0 0 31 2 *", "@reboot"]
)
def test_what_is_no_cron_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(UsageError, match="30 6"):
        checked_cron(text)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="Mars/Base"):
        zone_of("Mars/Base")


def test_a_schedule_is_said_in_words() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert Timetable(berlin, cron="0 6 * * 1-5").words() == (
        "at 06:00, Monday through Friday (Europe/Berlin)"
    )
    assert Timetable(berlin, every=timedelta(minutes=90)).words() == "every 90 minutes"
    assert spell(timedelta(days=1)) == "day"


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """Return a cron field: all, a step, or a list."""
    one = st.integers(low, high)
    lists = st.lists(one, min_size=1, max_size=3).map(lambda many: ",".join(map(str, many)))
    steps = st.integers(2, max(2, (high - low) // 2)).map(lambda step: f"*/{step}")
    return st.one_of(st.just("*"), lists, steps)


crons = st.builds(
    "{} {} * * {}".format,
    field(0, 59),
    field(0, 23),
    st.one_of(st.just("*"), st.sampled_from(["1-5", "0,6", "3"])),
)


@settings(max_examples=150, deadline=None)
@given(
    cron=crons,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    begin=st.one_of(
        st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
        st.sampled_from(
            [datetime(2026, 3, 28, 20), datetime(2026, 10, 24, 20), datetime(2026, 11, 1, 1, 30)]
        ),
    ).map(lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)),
)
def test_slots_are_what_watching_the_clock_on_the_wall_gives(
    cron: str, zone: ZoneInfo, begin: datetime
) -> None:
    end = begin + timedelta(hours=30)
    seen = list(watched(cron, zone, begin, end))
    table = Timetable(zone, cron=cron)
    found = []
    for slot in table.after(begin - MINUTE):
        if slot >= end:
            break
        found.append(slot)
    assert found == seen


@settings(max_examples=150, deadline=None)
@given(
    cron=crons,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(
        lambda moment: moment.replace(tzinfo=UTC)
    ),
)
def test_the_next_slot_is_later_and_nothing_lies_between(
    cron: str, zone: ZoneInfo, moment: datetime
) -> None:
    table = Timetable(zone, cron=cron)
    following = table.next(moment)
    assert following > moment
    assert next(table.after(following - timedelta(seconds=1))) == following
    last = table.last(moment)
    assert last is not None
    assert last <= moment
    assert table.next(last) == following
