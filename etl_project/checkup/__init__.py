"""What `manage.py doctor` looks at: every part that the settings name, each within seconds."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from etl_project.checkup import database, installation, processes, queue, services
from etl_project.checkup.finding import Finding, hide_passwords, problem

Check = Callable[[], Iterable[Finding]]

_CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("python", installation.python),
    ("packages", installation.packages),
    ("settings", installation.environment),
    ("files", installation.files),
    ("disk", installation.disk),
    ("database", database.connects),
    ("migrations", database.migrations),
    ("broker", services.broker),
    ("channel layer", services.channel_layer),
    ("cache", services.cache),
    ("qdrant", services.qdrant),
    ("processes", processes.all_of_them),
    ("queue", queue.health),
)
_NEEDS: Final = {"migrations": "database", "processes": "migrations", "queue": "migrations"}
"""A check that can say nothing of use while another has a problem."""


def check_all() -> Iterator[Finding]:
    """Yield the findings of every check as it ends; a check that breaks is a problem itself."""
    failed: set[str] = set()
    for name, check in _CHECKS:
        if _NEEDS.get(name) in failed:
            failed.add(name)
            continue
        for finding in _findings(name, check):
            if finding.level == "problem":
                failed.add(name)
            yield hide_passwords(finding)


def _findings(name: str, check: Check) -> list[Finding]:
    try:
        return list(check())
    except Exception as error:
        told = f"the check itself broke: {type(error).__name__}: {error}"
        return [problem(name, told, "mend what it names, or report this as a fault of ours")]
