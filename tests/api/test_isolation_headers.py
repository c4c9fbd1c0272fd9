"""Headers and cursors that are of another tenant, or name one, tell and do nothing."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from jobs.models import Job, QueueEntry
from mappings.models import WitHierarchy
from tenants import api_tokens
from tenants.api.headers import IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, TENANT
from tenants.models import Membership, Role
from tenants.permissions import access_for
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.operations import Operation, is_owned, operations, values_of
from tests.api.test_isolation import seen, tables_of

pytestmark = pytest.mark.django_db
HAS_EVERYTHING: Final = True

NOBODYS: Final = "no-such-tenant"


def parameters_of(operation: Operation) -> set[str]:
    """The names of all that may be given beside a body."""
    return {each["name"] for each in operation.schema.get("parameters", ())}


OPERATIONS: Final = [
    pytest.param(each, id=str(each)) for each in operations() if not each.is_public
]
LISTS: Final = [
    pytest.param(each, id=str(each))
    for each in operations()
    if each.method == "GET" and not each.names and "cursor" in parameters_of(each)
    if is_owned(model := getattr(each.view, "model", None)) and model is not Job  # one each
]
EDITS: Final = [
    pytest.param(each, id=str(each))
    for each in operations()
    if each.method in ("PATCH", "PUT", "DELETE") and "If-Match" in parameters_of(each)
    if each.names  # one's own preferences have no id
]


def asked(client: APIClient, operation: Operation, world: World, **headers: str) -> Any:
    """Ask an operation about rows of a world, with `{}` where it takes a body."""
    path = operation.at(values_of(operation, world))
    if operation.method == "GET":
        return client.get(path, headers=headers)
    return client.generic(
        operation.method, path, "{}", content_type="application/json", headers=headers
    )


def with_token(world: World) -> APIClient:
    """A program that has an API token of the tenant's administrator."""
    access = access_for(world.members["admin"], world.tenant.pk)
    assert access is not None
    with tenant_scope(world.tenant.pk):
        scopes = api_tokens.scope_names(access)
        until = timezone.now() + timedelta(days=1)
        _, token = api_tokens.make(access, world.tenant, "program", scopes, until)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


# ---- the tenant that is named


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_foreign_tenant_that_is_named_is_answered_like_one_that_is_none(
    operation: Operation, ours: World, theirs: World
) -> None:
    before = tables_of(theirs)
    for client in (client_of(ours, "admin"), with_token(ours)):
        foreign = seen(asked(client, operation, theirs, **{TENANT: theirs.tenant.slug}))
        assert foreign == seen(asked(client, operation, theirs, **{TENANT: NOBODYS}))
        assert theirs.canary not in foreign[1]
        assert foreign[0] in (403, 404)
    assert tables_of(theirs) == before


# ---- the state that an edit names


def tag_of(world: World, operation: Operation) -> str:
    """The tag of the row that an operation edits, as its own people see it."""
    path = operation.at(values_of(operation, world))
    return str(client_of(world, "admin").get(path).headers["ETag"])


@pytest.mark.parametrize("operation", EDITS)
def test_a_tag_of_a_foreign_row_is_one_of_no_state(
    operation: Operation, ours: World, theirs: World
) -> None:
    client = client_of(ours, "admin")
    foreign = asked(client, operation, ours, **{"If-Match": tag_of(theirs, operation)})
    assert foreign.status_code == 412
    assert seen(foreign) == seen(asked(client, operation, ours, **{"If-Match": '"nothing"'}))


@pytest.mark.parametrize("operation", EDITS)
def test_a_foreign_row_stays_missing_for_whoever_knows_its_tag(
    operation: Operation, ours: World, theirs: World
) -> None:
    client = client_of(ours, "admin")
    before = tables_of(theirs)
    known = asked(client, operation, theirs, **{"If-Match": tag_of(theirs, operation)})
    assert known.status_code == 404
    assert seen(known) == seen(asked(client, operation, theirs))
    assert tables_of(theirs) == before


# ---- the key of what is done once


def test_a_key_of_one_tenant_is_a_new_one_in_another(ours: World, theirs: World) -> None:
    both = ours.members["admin"]
    with tenant_scope(theirs.tenant.pk):
        Membership.objects.create(tenant=theirs.tenant, user=both, role=Role.ADMIN)
    client = APIClient()
    client.force_login(both)
    body = {"edits": [_added_level(7)]}
    answers = []
    for world in (ours, theirs, ours):
        headers = {TENANT: world.tenant.slug, IDEMPOTENCY_KEY: "one"}
        answers.append(client.post("/api/v1/mapping-edits/", body, format="json", headers=headers))
        with tenant_scope(world.tenant.pk):
            assert WitHierarchy.objects.filter(level=7).count() == 1
    assert [each.status_code for each in answers] == [200, 200, 200]
    replayed = [each.headers.get(IDEMPOTENCY_REPLAYED) for each in answers]
    assert replayed == [None, None, "true"]
    assert answers[2].json() == answers[0].json() != answers[1].json()


def test_a_key_of_one_person_is_a_new_one_of_another(ours: World, theirs: World) -> None:
    body = {"edits": [_added_level(7)]}
    for world in (theirs, ours):
        answer = client_of(world, "editor").post(
            "/api/v1/mapping-edits/", body, format="json", headers={IDEMPOTENCY_KEY: "one"}
        )
        assert answer.status_code == 200, answer.content
        assert IDEMPOTENCY_REPLAYED not in answer.headers


def _added_level(level: int) -> dict[str, Any]:
    values = {"level": level, "name": "Portfolio"}
    return {"table": "wit-hierarchies", "action": "create", "values": values}


# ---- the place where a list goes on


@pytest.mark.parametrize("operation", LISTS)
def test_a_cursor_of_another_tenant_leads_to_ones_own_rows(
    operation: Operation, ours: World, theirs: World
) -> None:
    for _ in range(2):
        theirs.add(operation.view.model)
    with tenant_scope(theirs.tenant.pk):
        QueueEntry.objects.update(state=QueueEntry.State.DEAD)
    page = client_of(theirs, "admin").get(operation.path, {"page_size": 1}).json()
    answer = client_of(ours, "admin").get(page["next"])
    assert answer.status_code == 200
    assert theirs.canary not in seen(answer)[1]
