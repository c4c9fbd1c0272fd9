"""Exports over the API: every row in either form, safe in a spreadsheet, in flat memory."""

import asyncio
import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from django.test import AsyncRequestFactory
from rest_framework.test import APIClient

from tests.api.test_work_items import client_of
from tests.warehouse.loading import Source, given
from tests.warehouse.test_histories import histories, item
from tests.warehouse.test_renames import pull
from warehouse.api import exports
from warehouse.api.work_items import WorkItemsViewSet

pytestmark = pytest.mark.django_db

PATH = "/api/v1/work-items/export/"


def body(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer)


def filled(count: int = 5) -> Source:
    source = Source()
    ids = [str(number) for number in range(count)]
    records = [[item(id_, updated=3, title=f"=1+{id_}"), *histories(1, item_id=id_)] for id_ in ids]
    source.load(given(*records, on=3))
    return source


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> APIClient:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    return client_of(filled())


def test_json_lines_hold_every_row_once(client: APIClient) -> None:
    answer = client.get(PATH)
    rows = [json.loads(line) for line in body(answer).splitlines()]
    assert sorted(row["key"] for row in rows) == [f"KEY-{number}" for number in range(5)]
    assert rows[0]["updated_at"] == "2026-01-04T00:00:00Z"
    assert answer["Content-Type"] == "application/jsonl"


def test_cells_that_are_formulas_are_made_harmless(client: APIClient) -> None:
    answer = client.get(f"{PATH}?as=csv&fields=key,title,labels")
    rows = list(csv.DictReader(io.StringIO(body(answer).decode())))
    assert {row["title"] for row in rows} == {f"'=1+{number}" for number in range(5)}
    assert list(rows[0]) == ["key", "title", "labels"]
    assert "attachment" in answer["Content-Disposition"]


def test_an_export_is_filtered_as_a_list_is(client: APIClient) -> None:
    rows = body(client.get(f"{PATH}?key=KEY-3&fields=key")).splitlines()
    assert rows == [b'{"key":"KEY-3"}']
    assert client.get(f"{PATH}?nothing=1").status_code == 400
    assert client.get(f"{PATH}?page_size=5").status_code == 400
    assert client.get(f"{PATH}?as=xml").status_code == 400
    assert client.get(f"{PATH}?fields=secret").status_code == 400


def test_any_form_may_be_accepted(client: APIClient) -> None:
    assert body(client.get(f"{PATH}?as=csv", headers={"Accept": "text/csv"}))


def test_changes_pull_requests_and_links_are_exported_too(client: APIClient) -> None:
    changes = body(client.get("/api/v1/changelogs/export/")).splitlines()
    assert len({json.dumps(json.loads(line)) for line in changes}) == 10
    assert body(client.get("/api/v1/pull-requests/export/")) == b""
    assert body(client.get("/api/v1/links/export/")) == b""
    source = Source("github")
    source.load(pull("o/r", 1))
    pulls = body(client_of(source).get("/api/v1/pull-requests/export/?as=csv"))
    assert len(pulls.splitlines()) == 2


def test_an_asynchronous_server_sends_it_as_it_is_read() -> None:
    view: Any = WorkItemsViewSet()
    request: Any = type("Request", (), {"_request": AsyncRequestFactory().get(PATH)})()
    batches = iter([[["a"]], [["b"]]])
    view.access = type("Access", (), {"scope": lambda self: _Nothing()})()
    answer = exports.sent(request, view, ["key"], batches, "jsonl", "work_items")
    assert answer.is_async

    async def first() -> bytes:
        async for chunk in answer.streaming_content:  # type: ignore[union-attr]
            return bytes(chunk)
        return b""

    assert asyncio.run(first()) == b'{"key":"a"}\n'
    assert next(batches) == [["b"]]


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def test_a_million_rows_take_no_more_memory_than_some() -> None:
    def peak(count: int) -> int:
        batch = [[number, "x" * 100] for number in range(1_000)]
        tracemalloc.start()
        for _ in exports.json_lines(["id", "text"], (batch for _ in range(count))):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(1_000) < 1.2 * peak(20) + 100_000
