"""What higher rooms know of integrations and their pages show: the last run, and what is loaded."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Glance:
    """An integration at a glance.

    run_id: of its last run, None before the first; state, tone: of it in words and as of tags;
    at: when it ended, or began if it goes on. is_loaded: whether anything of it is loaded; how
    much, in words, is in loaded, if that was asked for. next_run_at: when its schedule is due, None
    without one.
    """

    run_id: int | None = None
    state: str = ""
    tone: str = "plain"
    at: datetime | None = None
    is_running: bool = False
    is_loaded: bool = False
    loaded: str = ""
    next_run_at: datetime | None = None


class Glances(Protocol):
    """Looks at several integrations at once, by as many queries for many as for one."""

    def __call__(
        self, integration_ids: Collection[int], *, is_counted: bool = False
    ) -> Mapping[int, Glance]:
        """Return a glance by integration id; in the tenant's scope.

        is_counted: say how much is loaded, which takes queries for each.
        """


_registered: list[Glances] = []


def register(glances: Glances) -> None:
    """Say who looks; `etl_project` does when it starts."""
    _registered[:] = [glances]


def glances_at(
    integration_ids: Collection[int], *, is_counted: bool = False
) -> Mapping[int, Glance]:
    """Return a glance for each of these integrations; see `Glances`."""
    (look,) = _registered
    found = look(integration_ids, is_counted=is_counted)
    return {key: found.get(key, Glance()) for key in integration_ids}
