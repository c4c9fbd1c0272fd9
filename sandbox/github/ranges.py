"""Ranges of instants as GitHub's searches and filters write them."""

from sandbox.github.records import seconds


def in_range(at: int, text: str) -> bool:
    """Tell whether an instant is in a range: `A..B` with `*` for open ends, `>=A`, or a day.

    at: seconds since 1970. Raises ValueError if the text is none.
    """
    text = text.upper()
    if ".." in text:
        first, _, last = text.partition("..")
        starts = first in ("", "*") or at >= seconds(first)
        return starts and (last in ("", "*") or at <= _end(last))
    for sign in (">=", "<=", ">", "<"):
        if text.startswith(sign):
            low, high = seconds(text.removeprefix(sign)), _end(text.removeprefix(sign))
            return {">=": at >= low, ">": at > high, "<=": at <= high, "<": at < low}[sign]
    return seconds(text) <= at <= _end(text)


def _end(text: str) -> int:
    """Return the last second of a day, or the instant itself."""
    return seconds(text) + (86_399 if len(text) == 10 else 0)
