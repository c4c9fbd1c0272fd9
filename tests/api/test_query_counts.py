"""How many queries each read of the API takes, frozen: none may take more than it does.

`FREEZE=1 pytest tests/api/test_query_counts.py -k than_it_did` writes what the reads take now into
the files query_counts_<room>.json; look at the difference before it is kept.
"""

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tenants.api.headers import TENANT
from tenants.models import Membership
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.operations import Operation, operations, values_of
from tests.api.worlds import add_integration, grow

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="the numbers are those of the embedded database"
    ),
]
HAS_EVERYTHING: Final = True


def room_of(operation: Operation) -> str:
    """The room that answers."""
    return str(type(operation.view).__module__).partition(".")[0]


READS: Final = [each for each in operations() if each.method == "GET" and not each.is_public]
ROOMS: Final = sorted({room_of(each) for each in READS})
FEW, MANY = 2, 20
NO_ROW: Final = {
    "GET /api/v1/integrations/{id}/logo/": "there is no logo",
    "GET /api/v1/tenants/{slug}/logo/": "there is no logo",
}
"""Reads of what a world does not have, which are counted all the same, and why."""


def clients_of(world: World) -> list[APIClient]:
    """Programs of the administrator, and of an operator for what nobody else may read."""
    operator = APIClient(headers={TENANT: world.tenant.slug})
    operator.force_login(User.objects.get_or_create(username="operator", is_superuser=True)[0])
    return [client_of(world, "admin"), operator]


def counted(world: World, reads: list[Operation]) -> dict[str, int]:
    """Return how many queries each read takes."""
    counts = {}
    clients = clients_of(world)
    for operation in reads:
        path = operation.at(values_of(operation, world))
        for needed in operation.needed:
            name = f"{operation}{'?' if needed else ''}{'&'.join(needed.values())}"
            status, counts[name] = first_let_in(clients, path, needed)
            assert status == 200 or str(operation) in NO_ROW, (operation, status)
    return counts


def first_let_in(clients: list[APIClient], path: str, needed: dict[str, str]) -> tuple[int, int]:
    """Return the status that the first gets who may ask, and how many queries it took."""
    for client in clients:
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            answer: Any = client.get(path, needed)
            if answer.streaming:
                b"".join(answer)
        if answer.status_code != 403:
            break
    return answer.status_code, len(queries)


@pytest.mark.parametrize("room", ROOMS)
def test_no_read_takes_more_queries_than_it_did(room: str, ours: World) -> None:
    grow(ours)
    reads = [each for each in READS if room_of(each) == room]
    counts = counted(ours, reads)
    frozen_file = Path(__file__).with_name(f"query_counts_{room}.json")
    if os.environ.get("FREEZE"):
        frozen_file.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
    frozen = json.loads(frozen_file.read_text())
    unknown = sorted(counts.keys() - frozen.keys())
    assert not unknown, f"count {unknown}, as the top of this file says"
    more = {name: (frozen[name], count) for name, count in counts.items() if count > frozen[name]}
    assert more == {}
    assert sorted(frozen.keys() - counts.keys()) == [], "these are no more"


def test_reads_take_as_many_queries_for_many_rows_as_for_few(ours: World) -> None:
    for _ in range(FEW - 1):
        grow(ours)
    few = counted(ours, READS)
    for _ in range(MANY - FEW):
        grow(ours)
    many = counted(ours, READS)
    assert {name: (few[name], many[name]) for name in few if many[name] != few[name]} == {}


def test_reads_take_as_many_queries_for_many_integrations_as_for_few(ours: World) -> None:
    few = counted(ours, READS)
    for _ in range(9):
        add_integration(ours)
        ours.add(Membership)
    many = counted(ours, READS)
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}
