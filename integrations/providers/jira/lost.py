"""Projects that vanish while they are walked: the walk goes on without them.

JQL that names a project that is gone, or is no longer visible, is refused as a whole. The census
finds out what became of the project.
"""

from collections.abc import Iterable
from typing import Final

from .client import Client, quoted
from .refusals import RefusedError

_STEP: Final = "look for a project"


def survivors(refused: RefusedError, projects: Iterable[str], client: Client) -> list[str]:
    """Return the projects that are still there; raise the refusal if it has another cause."""
    if refused.status != 400:
        raise refused
    known = list(projects)
    left = [project for project in known if is_there(project, client)]
    if len(left) == len(known):
        raise refused
    return left


def is_there(project: str, client: Client) -> bool:
    """Tell whether a project can be seen."""
    path = f"project/{quoted(project)}"
    return client.get(_STEP, path, accepting=(403, 404)).status < 300


def note_of(projects: Iterable[str], left: Iterable[str]) -> str:
    """Return the line of the log about projects that vanished."""
    gone = sorted(set(projects) - set(left))
    return f"No longer there while it was read: project {', '.join(gone)}"
