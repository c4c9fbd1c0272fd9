"""Two who edit the same at the same time, each knowing the same state: one of them is told."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from django.db import connections
from rest_framework.test import APIClient

from integrations.credentials import store_credentials
from integrations.models import Integration
from mappings.models import StatusMapping, WitMapping, Workflow
from tenants.models import Role
from tests.api.mappings_world import Program

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS: Final = 5


@pytest.fixture
def people() -> tuple[Program, list[APIClient]]:
    """A tenant, and programs of two of its administrators' sessions."""
    program = Program()
    one = program.other(Role.ADMIN)
    other = APIClient()
    other.cookies = one.cookies
    return program, [one, other]


def both(clients: list[APIClient], path: str, bodies: list[dict[str, Any]], tag: str) -> list[Any]:
    """Send two edits at once, each in a thread and a database session of its own."""
    start = threading.Barrier(2)

    def edit(client: APIClient, body: dict[str, Any]) -> Any:
        try:
            start.wait(10)
            return client.patch(path, body, format="json", headers={"If-Match": tag})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(edit, clients, bodies))


@pytest.mark.parametrize(
    ("model", "place", "member"),
    [
        (WitMapping, "wit-mappings", "target"),
        (StatusMapping, "status-mappings", "target"),
        (Workflow, "workflows", "name"),
    ],
)
def test_of_two_edits_of_a_rule_at_once_one_is_refused(
    people: tuple[Program, list[APIClient]], model: Any, place: str, member: str
) -> None:
    program, clients = people
    with program.scope():
        row = model.objects.order_by("pk").first()
    path = f"/api/v1/{place}/{row.pk}/"
    for turn in range(ROUNDS):
        before = len(program.versions())
        bodies = [{member: f"{turn} {name}"} for name in ("one", "other")]
        answers = both(clients, path, bodies, clients[0].get(path)["ETag"])
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        won = next(answer for answer in answers if answer.status_code == 200)
        assert clients[0].get(path).json()[member] == won.json()[member]
        assert len(program.versions()) == before + 1


def test_of_two_edits_of_an_integration_at_once_one_is_refused(
    people: tuple[Program, list[APIClient]],
) -> None:
    program, clients = people
    with program.scope():
        row = Integration.objects.create(
            tenant=program.tenant, name="jira", provider="jira", base_url="https://jira.example.com"
        )
        store_credentials(row, "basic", {"user": "a@example.com", "token": "secret"})
    path = f"/api/v1/integrations/{row.pk}/"
    for turn in range(ROUNDS):
        pages = (10 + turn, 50 + turn)
        bodies = [{"settings": {"page_size": each}} for each in pages]
        answers = both(clients, path, bodies, clients[0].get(path)["ETag"])
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        won = next(answer for answer in answers if answer.status_code == 200)
        kept = clients[0].get(path)
        assert kept.json()["settings"]["page_size"] in pages
        assert kept["ETag"] == won["ETag"]
