"""Checks of our own processes: workers of every stage, a scheduler, the web; one version."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from django.conf import settings

from common.version import VERSION
from etl_project.checkup.finding import Finding, ok, problem, warning
from etl_project.checkup.queue import time_limit
from jobs import presence
from jobs.models import Process, QueueEntry, Stage
from tenants.scope import every_tenant

_START_WORKER: Final = "start `manage.py worker`"
_START_SCHEDULER: Final = "start `manage.py scheduler`"
_EMBEDDED: Final = "embedded: one process does everything"


def all_of_them() -> Iterator[Finding]:
    """Check that whoever is needed was seen lately, and that all run the same version."""
    if not settings.BROKER_URL:
        yield workers()
        return
    yield workers()
    yield schedulers()
    yield _web()
    yield from _versions()


def counted(count: int, what: str) -> str:
    """Return a number of things with their name: 1 worker, 2 workers."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def workers() -> Finding:
    """Check that each stage has workers."""
    if not settings.BROKER_URL:
        return ok("processes", _EMBEDDED, public=_EMBEDDED)
    seen = _seen(Process.Role.WORKER)
    counts = Counter(stage for row in seen for stage in row.stages.split(",") if stage)
    if missing := [stage.value for stage in Stage if not counts[stage.value]]:
        lacking = "no worker" if not seen else f"no worker of {', '.join(missing)}"
        return _missing(lacking, _START_WORKER)
    stages = ", ".join(f"{stage.value} {counts[stage.value]}" for stage in Stage)
    told = f"{counted(len(seen), 'worker')}: {stages}"
    return ok("processes", told, public=told)


def schedulers() -> Finding:
    """Check that there is a scheduler."""
    if not settings.BROKER_URL:
        return ok("processes", _EMBEDDED, public=_EMBEDDED)
    count = len(_seen(Process.Role.SCHEDULER))
    if not count:
        return _missing("no scheduler", _START_SCHEDULER)
    told = counted(count, "scheduler")
    return ok("processes", told, public=told)


def _web() -> Finding:
    count = len(_seen(Process.Role.WEB))
    if not count:
        return warning(
            "processes",
            f"no web process {_LATELY}",
            "start the site: `uvicorn etl_project.asgi:application`",
        )
    return ok("processes", counted(count, "web server"))


def _versions() -> Iterator[Finding]:
    versions = Counter(
        each.process.version
        for each in presence.seen()
        if each.age_seconds <= presence.MAX_AGE_SECONDS
    )
    if set(versions) - {VERSION}:
        told = ", ".join(f"{count} of {version}" for version, count in sorted(versions.items()))
        remedy = "start those of other versions again from this code"
        yield warning("processes", f"versions differ: {told}; this is {VERSION}", remedy)


_LATELY: Final = f"was seen within {presence.MAX_AGE_SECONDS} s"


def _missing(who: str, remedy: str) -> Finding:
    """Return how bad it is that nobody is there: while steps wait, it is a problem."""
    with every_tenant("the doctor looks at the whole queue"), time_limit():
        waits = QueueEntry.objects.filter(state__in=QueueEntry.OPEN).exists()
    told = f"{who} {_LATELY}"
    if waits:
        told += ", and steps wait"
        return problem("processes", told, remedy, public=told)
    return warning("processes", told, remedy, public=told)


def _seen(role: Process.Role) -> list[Process]:
    with time_limit():
        return presence.recent(role)
