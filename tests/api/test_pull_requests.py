"""Pull requests over the API, with their commits, reviews and comments."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.test_work_items import client_of
from tests.warehouse.loading import Source
from tests.warehouse.test_renames import commits, others, pull

pytestmark = pytest.mark.django_db

BASE = "/api/v1/pull-requests/"


@pytest.fixture
def client() -> APIClient:
    source = Source("github")
    source.load_each(
        [
            pull("o/r", 1),
            pull("o/r", 2, id_="p2", number=2, author_login="kim"),
            commits("o/r", 1, "a", "b"),
            commits("o/r", 1, "c", number=2),
            *others("o/r", 1),
        ]
    )
    return client_of(source)


def rows(client: APIClient, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_lists_are_filtered_and_ordered(client: APIClient) -> None:
    assert [row["number"] for row in rows(client, f"{BASE}?ordering=-updated_at")] == [2, 1]
    assert [row["number"] for row in rows(client, f"{BASE}?author=kim")] == [2]
    assert rows(client, f"{BASE}?repository=o/other") == []


def test_each_part_is_that_of_its_pull_request(client: APIClient) -> None:
    first = rows(client, f"{BASE}?number=1")[0]["id"]
    address = f"{BASE}{first}/"
    assert [row["sha"] for row in rows(client, f"{address}commits/")] == ["a", "b"]
    assert len(rows(client, f"{address}reviews/")) == 1
    assert len(rows(client, f"{address}comments/")) == 1
    assert client.get(f"{address}commits/?changed_since=0").status_code == 400
    page = client.get(f"{address}commits/?page_size=1").json()
    assert [row["sha"] for row in rows(client, page["next"])] == ["b"]


def test_one_tells_its_text_and_its_size_where_it_is_known(client: APIClient) -> None:
    row = rows(client, f"{BASE}?number=1")[0]
    assert "body" not in row
    told = client.get(f"{BASE}{row['id']}/").json()
    assert (told["body"], told["size"]) == (None, None)


def test_commits_reviews_comments_deployments_and_runs_have_lists_of_their_own(
    client: APIClient,
) -> None:
    assert len(rows(client, "/api/v1/commits/?pull_request_number=1")) == 2
    for name in ("reviews", "comments", "deployments", "workflow-runs"):
        found = rows(client, f"/api/v1/{name}/?repository=o/r")
        assert len(found) == 1
        assert client.get(f"/api/v1/{name}/{found[0]['id']}/").json() == found[0]
