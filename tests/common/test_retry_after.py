"""When to come back, as headers say it."""

from datetime import UTC, datetime

import pytest

from common.retry_after import parse_reset, parse_retry_after

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("0", 0),
        ("1.5", 1.5),
        ("Tue, 24 Nov 2026 12:01:00 GMT", 60),
        ("Tue, 24 Nov 2026 13:01:00 +0100", 60),
        ("Tuesday, 24-Nov-26 12:01:00 GMT", 60),
        ("Tue, 24 Nov 2026 11:59:59 GMT", None),
        ("999999999", 3600),
        ("9" * 400, 3600),
        ("Tue, 24 Nov 2099 12:01:00 GMT", 3600),
        ("-1", None),
        ("+5", None),
        ("1e9", None),
        ("NaN", None),
        ("soon", None),
        ("٣", None),
        ("Tue, 99 Nov 2026 12:01:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_a_retry_after_is_read_or_passed_over(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1795521600", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("2026-11-24T12:00:00Z", NOW),
        ("2026-11-24T12:00Z", NOW),
        ("2026-11-24T12:00", NOW),
        ("2026-11-24T13:00:00.000+0100", NOW),
        ("9" * 30, None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_reset_is_an_instant_or_nothing(text: str | None, moment: datetime | None) -> None:
    assert parse_reset(text) == moment
