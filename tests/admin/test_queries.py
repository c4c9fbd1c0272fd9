"""How many queries each page of the admin takes, frozen: none may take more than it does.

`FREEZE=1 pytest tests/admin/test_queries.py` writes what the pages take now into
tests/admin/query_counts.json; look at the difference before it is kept.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.admin.twins import Ask, Twin, answer, asks

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="the numbers are those of the embedded database"
    ),
]

FROZEN = Path(__file__).with_name("query_counts.json")


def counted(twin: Twin, found: list[Ask]) -> dict[str, int]:
    """Return the number of queries of each ask; one that is asked again has a number behind it."""
    counts: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for ask in found:
        parts = ask.path.partition("?")[0].split("/")
        path = "/".join("ID" if part.isdecimal() else part for part in parts)
        name = f"{'GET' if ask.data is None else 'POST'} {path}"
        seen[name] += 1
        with CaptureQueriesContext(connection) as queries:
            answer(twin.client, ask)
        counts[f"{name} {seen[name]}"] = len(queries)
    return counts


def test_no_page_takes_more_queries_than_it_did() -> None:
    twin = Twin("ours")
    counts = counted(twin, list(asks(twin)))
    if os.environ.get("FREEZE"):
        FROZEN.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
    frozen = json.loads(FROZEN.read_text())
    unknown = sorted(counts.keys() - frozen.keys())
    assert not unknown, f"count {unknown}, as the top of this file says"
    more = {name: (frozen[name], count) for name, count in counts.items() if count > frozen[name]}
    assert more == {}


def test_pages_take_as_many_queries_for_many_rows_as_for_few() -> None:
    twin = Twin("ours")
    found = [ask for ask in asks(twin) if ask.data is None and "/delete/" not in ask.path]
    twin.grow()
    few = counted(twin, found)
    for _ in range(3):
        twin.grow()
    many = counted(twin, found)
    assert {name: (few[name], many[name]) for name in few if many[name] > few[name]} == {}
