"""How many queries each read of the API takes, frozen: none may take more than it does.

`FREEZE=1 pytest tests/api/test_warehouse_queries.py` writes what the reads take now into
tests/api/query_counts.json; look at the difference before it is kept.
"""

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from integrations.models import Integration
from tests.admin.world import World, tenant_models
from tests.api.conftest import client_of
from tests.api.operations import Operation, operations, values_of
from warehouse.models import Comment, Commit, Deployment, Review, WorkflowRun

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="the numbers are those of the embedded database"
    ),
]

FROZEN: Final = Path(__file__).with_name("query_counts.json")
ROOMS: Final = ("warehouse", "tenants", "etl_project")
"""Those whose reads are counted."""
_FEW: Final = (Integration,)
"""A tenant has few of them."""
_WITHOUT_PAGE: Final = (Comment, Commit, Deployment, Review, WorkflowRun)
"""What has no page in the admin of its own."""


def room_of(operation: Operation) -> str:
    return str(type(operation.view).__module__).partition(".")[0]


READS: Final = [
    each
    for each in operations()
    if each.method == "GET" and not each.is_public and room_of(each) in ROOMS
]


def counted(client: APIClient, world: World, reads: list[Operation]) -> dict[str, int]:
    """Return how many queries each read takes."""
    counts = {}
    for operation in reads:
        path = operation.at(values_of(operation, world))
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            answer: Any = client.get(path)
            if answer.streaming:
                b"".join(answer)
        assert answer.status_code < 500, operation
        counts[str(operation)] = len(queries)
    return counts


def grow(world: World) -> None:
    """Have a further row of every model that there may be many of."""
    models: list[type[Model]] = [*tenant_models(), *_WITHOUT_PAGE]
    for model in models:
        if model not in _FEW:
            world.add(model)


def test_no_read_takes_more_queries_than_it_did(ours: World) -> None:
    grow(ours)
    client = client_of(ours, "admin")
    counts = counted(client, ours, READS)
    if os.environ.get("FREEZE"):
        FROZEN.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
    frozen = json.loads(FROZEN.read_text())
    unknown = sorted(counts.keys() - frozen.keys())
    assert not unknown, f"count {unknown}, as the top of this file says"
    more = {name: (frozen[name], count) for name, count in counts.items() if count > frozen[name]}
    assert more == {}


def test_reads_take_as_many_queries_for_many_rows_as_for_few(ours: World) -> None:
    client = client_of(ours, "admin")
    grow(ours)
    few = counted(client, ours, READS)
    for _ in range(9):
        grow(ours)
    many = counted(client, ours, READS)
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}
