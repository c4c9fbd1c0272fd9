"""`/healthz`: this process answers. `/readyz`: what it needs, by dependency, as JSON.

Both are answered before anything else looks at the request: no session, no tenant, no host name,
no database (a probe of a container knows none of them).
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, Final, TypedDict

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse

from common.deadline import asked
from etl_project.checkup import database, processes, services
from etl_project.checkup.finding import Finding, Level

LIVE: Final = "/healthz"
READY: Final = "/readyz"

ANSWER_SECONDS: Final = 2.5
KEPT_SECONDS: Final = 2.0
"""A probe storm asks the servers no more often than this."""

_NEEDED: Final = ("database", "migrations")
"""Without these the web can serve nothing; without the rest it shows what there is."""
_RANK: Final[tuple[Level, ...]] = ("ok", "warning", "problem")


class Dependency(TypedDict):
    """What is known of a dependency; message holds no secret, no place and no name."""

    name: str
    level: Level
    message: str


class Report(TypedDict):
    """status: ok; degraded (the web serves, something else is missing); unavailable."""

    status: str
    dependencies: list[Dependency]


class HealthMiddleware:
    """Answers the two addresses, whoever asks; the first of all middleware."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._acall(request)
        if request.path == READY and _is_read(request):
            return _ready(readiness.ask().result())
        return _other(request) or self.get_response(request)

    async def _acall(self, request: HttpRequest) -> Any:
        if request.path == READY and _is_read(request):
            # Shielded: a probe that goes away must not take the report from the others.
            return _ready(await asyncio.shield(asyncio.wrap_future(readiness.ask())))
        return _other(request) or await self.get_response(request)


def _is_read(request: HttpRequest) -> bool:
    return request.method in ("GET", "HEAD")


def _other(request: HttpRequest) -> HttpResponse | None:
    """Answer all that needs no report; None where the request is for somebody else."""
    if request.path not in (LIVE, READY):
        return None
    if not _is_read(request):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    return _unstored(HttpResponse("ok", content_type="text/plain"))


def _ready(report: Report) -> HttpResponse:
    status = 503 if report["status"] == "unavailable" else 200
    return _unstored(JsonResponse(report, status=status))


def _unstored(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response


Ask = Callable[[], Mapping[str, Iterable[Finding]]]


def _database() -> dict[str, list[Finding]]:
    """The database, and what can be read in it alone, by one connection."""
    try:
        found = {"database": list(database.connects())}
        if _level(found["database"]) == "problem":
            return found
        found["migrations"] = list(database.migrations())
        if _level(found["migrations"]) == "problem":
            return found
        return found | {
            "workers": [processes.workers()],
            "scheduler": [processes.schedulers()],
        }
    finally:
        connections.close_all()


_ASKED: Final[dict[str, tuple[Ask, tuple[str, ...]]]] = {
    "database": (_database, ("database", "migrations", "workers", "scheduler")),
    "channel layer": (
        lambda: {"channel layer": services.channel_layer()},
        ("channel layer",),
    ),
    "broker": (lambda: {"broker": services.broker()}, ("broker",)),
}
"""By server: who asks it, and about which dependencies that tells."""

_ORDER: Final = ("database", "migrations", "channel layer", "broker", "workers", "scheduler")


class Readiness:
    """Makes the report: asks all servers at once, within ANSWER_SECONDS, for all who wait.

    A server that is still being asked, for it never answered, is not asked again meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._report: Future[Report] | None = None
        self._reported_at = 0.0
        self._asked: dict[str, Future[dict[str, list[Finding]]]] = {}

    def ask(self) -> "Future[Report]":
        """Return the future of a report that is at most KEPT_SECONDS old."""
        with self._lock:
            if self._report is not None and (
                not self._report.done() or time.monotonic() - self._reported_at < KEPT_SECONDS
            ):
                return self._report
            self._report = asked(self._make, "readiness")
            return self._report

    def _make(self) -> Report:
        for name, (ask, _) in _ASKED.items():
            if name not in self._asked or self._asked[name].done():
                self._asked[name] = asked(partial(_listed, ask), f"readiness {name}")
        wait(self._asked.values(), ANSWER_SECONDS)
        known: dict[str, list[Finding]] = {}
        for name, (_, dependencies) in _ASKED.items():
            known |= _answer(self._asked[name], name, dependencies)
        self._reported_at = time.monotonic()
        return _report([_dependency(name, known[name]) for name in _ORDER])


def _listed(ask: Ask) -> dict[str, list[Finding]]:
    return {name: list(found) for name, found in ask().items()}


def _answer(
    answer: "Future[dict[str, list[Finding]]]", server: str, dependencies: tuple[str, ...]
) -> dict[str, list[Finding]]:
    """Return what was found of the dependencies; of those that nothing was, why."""
    found: dict[str, list[Finding]] = {}
    if not answer.done():
        why = f"the {server} gave no answer within {ANSWER_SECONDS:.1f} s"
    elif error := answer.exception():
        why = f"the check itself broke: {type(error).__name__}"
    else:
        found, why = answer.result(), f"unknown without the {server}"
    unknown = Finding("readiness", "problem", why, public=why)
    return {name: found.get(name, [unknown]) for name in dependencies}


def _dependency(name: str, found: list[Finding]) -> Dependency:
    level = _level(found)
    # Of several findings those that make the level; words that are not for everybody stay here.
    told = [finding.public or level for finding in found if finding.level == level]
    return {"name": name, "level": level, "message": "; ".join(told)}


def _level(found: Iterable[Finding]) -> Level:
    return max((finding.level for finding in found), key=_RANK.index, default="ok")


def _report(dependencies: list[Dependency]) -> Report:
    levels = {each["name"]: each["level"] for each in dependencies}
    if any(levels[name] == "problem" for name in _NEEDED):
        status = "unavailable"
    else:
        status = "ok" if set(levels.values()) == {"ok"} else "degraded"
    return {"status": status, "dependencies": dependencies}


readiness: Final = Readiness()
