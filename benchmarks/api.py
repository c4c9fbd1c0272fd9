"""Measures how soon the API answers readers, on a million work items of one tenant.

    python benchmarks/api.py --items 1000000 --seconds 60

The work items are made inside a PostgreSQL database of its own, beside those of another tenant,
and served by uvicorn with two worker processes. Locust (installed from PyPI into an environment of
its own) asks 50 times a second: lists in each order, lists with filters, pages deep inside by
cursor, and single work items. Then page 1 and page 10,000 are asked for in turns, one request at
a time. Exit code: 0 when 95 of 100 lists took at most 150 ms and 95 of 100 single items 50 ms,
nothing failed, and the deep page took at most 1.5 times what the first one did; else 1.
"""

import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import api_world
from processes import BenchError
from services import Database

ROOT: Final = Path(__file__).resolve().parent.parent
DEFAULT_URL: Final = "postgres://postgres@127.0.0.1:5432/etl_api_bench"
LOCUST: Final = "locust==2.47.0"
WORKERS: Final = 2
RATE: Final = 50
MOST_MS: Final = {"list": 150, "filtered": 150, "deep": 150, "detail": 50}
PAGE: Final = 100
DEEP_PAGE: Final = 10_000
MOST_RATIO: Final = 1.5
ROUNDS: Final = 40
ORDERINGS: Final = ("changed_seq", "-changed_seq", "updated_at", "-updated_at", "key", "-key")
FILTERS: Final = (
    "project=P17",
    "project=P60&category=in_progress&ordering=-updated_at",
    "category=done",
    "category=waiting",
    "type=Bug&ordering=-updated_at",
    "level=1",
    "status=In%20Review",
    "assignee=person-77",
    "key=P42-42",
    "updated_from=2024-06-01T00:00:00Z&updated_before=2024-07-01T00:00:00Z&ordering=updated_at",
    "project=P33&done_from=2024-01-01T00:00:00Z&done_before=2024-03-01T00:00:00Z",
    "created_from=2025-01-01T00:00:00Z&type=Story",
)


@dataclass
class Figures:
    """Milliseconds of one kind of request."""

    kind: str
    requests: int
    failures: int
    median: float
    p95: float
    p99: float

    def is_missed(self) -> bool:
        """Whether it took longer than it may."""
        return bool(self.failures) or self.p95 > MOST_MS[self.kind]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="leave the database, and use it again")
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL") or DEFAULT_URL
    os.environ["DATABASE_URL"] = url
    try:
        database = Database(url)
        if not options.keep:
            database.renew()
        else:
            database.make_if_missing()
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        return _measure(options.items, options.seconds)
    finally:
        _disconnect()
        if not options.keep:
            database.drop()


def _measure(items: int, seconds: int) -> int:
    reader = api_world.reader() or api_world.fill(items, lambda text: print(text, flush=True))
    paths = _paths(reader.tenant_id, items)
    _disconnect()
    port = _free_port()
    with tempfile.TemporaryDirectory() as place, _served(port, Path(place)):
        load = Path(place) / "load.json"
        load.write_text(json.dumps({"token": reader.token, "paths": paths}))
        _warm_up(port, reader.token, paths)
        figures = _under_load(port, load, seconds)
        first, deep = _in_turns(port, reader.token, paths["first_page"][0], paths["deep_page"][0])
    return _tell(items, seconds, figures, first, deep)


def _paths(tenant_id: int, items: int) -> dict[str, list[str]]:
    """Return paths by kind. Cursors are those that the server gives for these rows."""
    from tenants.scope import tenant_scope
    from warehouse.models import WorkItem

    rng = random.Random(1)
    base = "/api/v1/work-items/"
    with tenant_scope(tenant_id):
        rows = list(WorkItem.objects.filter(source_id__in=[str(n) for n in _some(rng, items)]))
        last = max(items // PAGE // 2, 1) if items < PAGE * DEEP_PAGE else DEEP_PAGE - 1
        before = WorkItem.objects.order_by("changed_seq")[last * PAGE - 1]
        deep_page = f"{base}?page_size={PAGE}&cursor={_cursor('changed_seq', before)}"
    return {
        "list": [f"{base}?ordering={order}&page_size=50" for order in ORDERINGS],
        "filtered": [f"{base}?{each}&page_size=50" for each in FILTERS],
        "deep": [
            f"{base}?ordering={order}&page_size=50&cursor={_cursor(order, row)}"
            for row in rows[:50]
            for order in ORDERINGS
        ],
        "detail": [f"{base}{row.pk}/" for row in rows],
        "first_page": [f"{base}?page_size={PAGE}"],
        "deep_page": [deep_page],
    }


def _some(rng: random.Random, items: int) -> list[int]:
    return [rng.randrange(1, items + 1) for _ in range(500)]


def _cursor(ordering: str, row: Any) -> str:
    from tenants.api.paging import Order, cursor_behind

    name = ordering.removeprefix("-")
    return cursor_behind(Order(name, name, ordering.startswith("-")), row)


@contextmanager
def _served(port: int, place: Path) -> Iterator[None]:
    """Serve the site. No limit of requests: what is measured is what one answer costs."""
    environment = {**os.environ, "API_RATE_USER": "0", "API_RATE_TENANT": "0"}
    command = (
        *(sys.executable, "-m", "uvicorn", "etl_project.asgi:application"),
        *("--port", str(port), "--workers", str(WORKERS), "--log-level", "warning"),
    )
    with (place / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(port, server, place / "server.log")
            yield
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise BenchError(f"the site does not answer: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def _get(port: int, token: str, path: str) -> float:
    """Ask; return the milliseconds."""
    begun = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise BenchError(f"{path} was answered {answer.status}: {body[:500]!r}")
    return (time.perf_counter() - begun) * 1000


def _warm_up(port: int, token: str, paths: dict[str, list[str]]) -> None:
    for path in [*paths["list"], *paths["filtered"], *paths["detail"][:20]]:
        took = [_get(port, token, path) for _ in range(3)]
        print(f"{min(took):8.1f} ms  {path[:110]}", flush=True)


def _under_load(port: int, load: Path, seconds: int) -> list[Figures]:
    command = (
        *(str(_locust()), "-f", str(ROOT / "benchmarks" / "api_load.py"), "--headless"),
        *("--host", f"http://127.0.0.1:{port}", "--users", str(RATE), "--spawn-rate", str(RATE)),
        *("--run-time", f"{seconds}s", "--json", "--only-summary"),
    )
    done = subprocess.run(
        command, env={**os.environ, "API_LOAD": str(load)}, capture_output=True, text=True
    )
    try:
        stats = json.loads(done.stdout[done.stdout.index("[") :])
    except ValueError:
        raise BenchError(f"Locust said nothing: {done.stderr[-2000:]}") from None
    return [_figures(each) for each in sorted(stats, key=lambda each: str(each["name"]))]


def _locust() -> Path:
    """Return the program, installed once into an environment of its own."""
    place = Path(os.environ.get("LOCUST_ENV") or ROOT / "var" / "locust")
    program = place / "bin" / "locust"
    if not program.exists():
        subprocess.run((sys.executable, "-m", "venv", str(place)), check=True)
        subprocess.run((str(place / "bin" / "pip"), "install", "-q", LOCUST), check=True)
    return program


def _figures(stats: dict[str, Any]) -> Figures:
    times = sorted((float(ms), count) for ms, count in stats["response_times"].items())
    return Figures(
        stats["name"],
        stats["num_requests"],
        stats["num_failures"],
        *(_percentile(times, share) for share in (0.5, 0.95, 0.99)),
    )


def _percentile(times: list[tuple[float, int]], share: float) -> float:
    left = share * sum(count for _, count in times)
    for milliseconds, count in times:
        left -= count
        if left <= 0:
            return milliseconds
    return times[-1][0]


def _in_turns(port: int, token: str, one: str, other: str) -> tuple[float, float]:
    """Return the medians of two paths, each asked for in turn."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for path, values in zip((one, other), took, strict=True):
            values.append(_get(port, token, path))
    return statistics.median(took[0]), statistics.median(took[1])


def _tell(items: int, seconds: int, figures: list[Figures], first: float, deep: float) -> int:
    print(
        f"\n{'request':<12}{'requests':>10}{'failed':>8}{'median':>9}{'p95':>8}{'p99':>8}{'may':>8}"
    )
    for each in figures:
        row = f"{each.kind:<12}{each.requests:>10,}{each.failures:>8}"
        print(f"{row}{each.median:>9.0f}{each.p95:>8.0f}{each.p99:>8.0f}{MOST_MS[each.kind]:>8}")
    ratio = deep / first
    print(f"\npage 1: {first:.1f} ms, deep page: {deep:.1f} ms")
    print(f"that is {ratio:.2f} times, and may be {MOST_RATIO}")
    is_missed = any(each.is_missed() for each in figures) or ratio > MOST_RATIO
    asked = sum(each.requests for each in figures)
    found = {
        "items": items,
        "seconds": seconds,
        "requests_per_second": round(asked / seconds, 1),
        "workers": WORKERS,
        "figures": [asdict(each) for each in figures],
        "first_page_ms": round(first, 1),
        "deep_page_ms": round(deep, 1),
        "is_missed": is_missed,
    }
    print(json.dumps(found))
    return int(is_missed)


def _disconnect() -> None:
    from django.db import connection

    connection.close()


if __name__ == "__main__":
    sys.exit(main())
