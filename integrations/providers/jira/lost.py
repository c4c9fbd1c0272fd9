"""Projects that vanish while they are walked: the walk goes on without them.

JQL that names a project that is gone, archived or no longer visible is refused as a whole. The
census finds out what became of the project.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from .client import Client, quoted, read
from .refusals import RefusedError


class Project(msgspec.Struct):
    """A project. Of one that is archived or in the trash no items can be found."""

    id: str | int
    archived: bool = False
    deleted: bool = False

    @property
    def is_live(self) -> bool:
        """Whether its items can be found."""
        return not self.archived and not self.deleted


PROJECT: Final = msgspec.json.Decoder(Project)
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
    """Tell whether a project, and so its items, can be seen."""
    answer = client.get(_STEP, f"project/{quoted(project)}", accepting=(403, 404))
    return answer.status < 300 and read(_STEP, answer, PROJECT).is_live


def note_of(projects: Iterable[str], left: Iterable[str]) -> str:
    """Return the line of the log about projects that vanished."""
    gone = sorted(set(projects) - set(left))
    return f"No longer there while it was read: project {', '.join(gone)}"
