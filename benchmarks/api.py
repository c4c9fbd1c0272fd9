"""Measures how soon the API answers readers, on a million work items of one tenant.

    python benchmarks/api.py --items 1000000 --seconds 60

The work items are made inside a PostgreSQL database of its own, beside those of another tenant,
and served by uvicorn with two worker processes. Locust (installed from PyPI into an environment of
its own) asks 50 times a second, at fixed times: lists in each order, lists with filters, pages deep
inside by cursor, and single work items. Then page 1 and page 10,000 are asked for in turns, one
request at a time, and so are those of a rival: REST framework out of the box on the same table.
Exit code: 0 when 95 of 100 lists took at most 150 ms and 95 of 100 single items 50 ms, nothing
failed, and the deep page took at most 1.5 times what the first one did; else 1.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import api_world
from api_report import RATE, Loaded, Turns, figures_of, tell
from api_server import OURS, RIVAL, ROOT, WORKERS, Processors, Server, served
from processes import BenchError
from services import Database

DEFAULT_URL: Final = "postgres://postgres@127.0.0.1:5432/etl_api_bench"
LOCUST: Final = "locust==2.47.0"
PAGE: Final = 100
DEEP_PAGE: Final = 10_000
ROUNDS: Final = 40
ROUNDS_OF_RIVAL: Final = 5
UNLIMITED: Final = {"API_RATE_USER": "1000000000", "API_RATE_TENANT": "1000000000"}
"""Requests are counted as ever, and never too many."""
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
    with served(OURS, UNLIMITED) as server:
        _warm_up(server, reader.token, paths)
        loaded = _under_load(server, reader.token, paths, seconds)
        turns = (paths["first_page"][0], paths["deep_page"][0], paths["detail"][0])
        ours = _in_turns(server, turns, reader.token, ROUNDS)
    of_rival = {"DJANGO_SETTINGS_MODULE": "rival_settings", "API_TENANT": str(reader.tenant_id)}
    page = _last_page(items)
    with served(RIVAL, of_rival) as server:
        detail = "/work-items/" + paths["detail"][0].rstrip("/").rpartition("/")[2] + "/"
        turns = ("/work-items/", f"/work-items/?page={page}", detail)
        rival = _in_turns(server, turns, "", ROUNDS_OF_RIVAL)
    _disconnect()
    return tell(items, seconds, loaded, ours, rival)


def _paths(tenant_id: int, items: int) -> dict[str, list[str]]:
    """Return paths by kind. Cursors are those that the server gives for these rows."""
    from tenants.scope import tenant_scope
    from warehouse.models import WorkItem

    rng = random.Random(1)
    base = "/api/v1/work-items/"
    with tenant_scope(tenant_id):
        rows = list(WorkItem.objects.filter(source_id__in=[str(n) for n in _some(rng, items)]))
        before = WorkItem.objects.order_by("changed_seq")[(_last_page(items) - 1) * PAGE - 1]
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


def _last_page(items: int) -> int:
    return DEEP_PAGE if items >= PAGE * DEEP_PAGE else max(items // PAGE // 2, 2)


def _some(rng: random.Random, items: int) -> list[int]:
    return [rng.randrange(1, items + 1) for _ in range(500)]


def _cursor(ordering: str, row: Any) -> str:
    from tenants.api.paging import Order, cursor_behind

    name = ordering.removeprefix("-")
    return cursor_behind(Order(name, name, ordering.startswith("-")), row)


def _warm_up(server: Server, token: str, paths: dict[str, list[str]]) -> None:
    for path in [*paths["list"], *paths["filtered"], *paths["detail"][:20]]:
        took = [server.get(path, token) for _ in range(3 * WORKERS)]
        print(f"{min(took):8.1f} ms  {path[:110]}", flush=True)


def _under_load(server: Server, token: str, paths: dict[str, list[str]], seconds: int) -> Loaded:
    command = (
        *(str(_locust()), "-f", str(ROOT / "benchmarks" / "api_load.py"), "--headless"),
        *("--host", f"http://127.0.0.1:{server.port}", "--run-time", f"{seconds}s"),
        *("--users", "1", "--json", "--only-summary"),
    )
    with tempfile.NamedTemporaryFile("w+", suffix=".json") as load:
        json.dump({"token": token, "paths": paths, "rate": RATE}, load)
        load.flush()
        processors = Processors(server)
        done = subprocess.run(
            command, env={**os.environ, "API_LOAD": load.name}, capture_output=True, text=True
        )
        web, database, busy = processors.taken()
    try:
        stats = json.loads(done.stdout[done.stdout.index("[") :])
    except ValueError:
        raise BenchError(f"Locust said nothing: {done.stderr[-2000:]}") from None
    figures = [figures_of(each) for each in sorted(stats, key=lambda each: str(each["name"]))]
    asked = sum(each.requests for each in figures)
    of_database = None if database is None else database / asked * 1000
    took = max(each["last_request_timestamp"] for each in stats) - min(
        each["start_time"] for each in stats
    )
    return Loaded(figures, (asked - 1) / took, web / asked * 1000, of_database, busy)


def _locust() -> Path:
    """Return the program, installed once into an environment of its own."""
    place = Path(os.environ.get("LOCUST_ENV") or ROOT / "var" / "locust")
    program = place / "bin" / "locust"
    if not program.exists():
        subprocess.run((sys.executable, "-m", "venv", str(place)), check=True)
        subprocess.run((str(place / "bin" / "pip"), "install", "-q", LOCUST), check=True)
    return program


def _in_turns(server: Server, paths: tuple[str, ...], token: str, rounds: int) -> Turns:
    """Return the medians of a first page, a deep one and a single item, asked for in turn."""
    took: list[list[float]] = [[], [], []]
    for _ in range(rounds):
        for path, values in zip(paths, took, strict=True):
            values.append(server.get(path, token))
    return Turns(*(statistics.median(values) for values in took))


def _disconnect() -> None:
    from django.db import connection

    connection.close()


if __name__ == "__main__":
    sys.exit(main())
