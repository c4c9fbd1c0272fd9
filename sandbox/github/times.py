"""Instants as GitHub writes them: seconds since 1970 in UTC, a Z and no fraction."""

from datetime import UTC, datetime


def iso(at: int) -> str:
    """Return an instant as GitHub writes it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
