"""How values look: the colour of a category or state, a length of time in words."""

from datetime import timedelta
from typing import Final

TONES: Final = {
    "in_progress": "busy",
    "waiting": "warning",
    "done": "good",
    "open": "busy",
    "merged": "good",
    "active": "busy",
    "future": "warning",
    "approved": "good",
    "changes_requested": "warning",
}
"""Tone of a tag by category of status, state of a pull request, of a sprint, of a review."""


def duration(seconds: float | None) -> str:
    """Return a length of time in the two units that matter, or a dash."""
    if seconds is None:
        return "–"
    length = timedelta(seconds=round(seconds))
    hours, rest = divmod(length.seconds, 3600)
    if length.days:
        return f"{length.days} d {hours} h"
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min"
