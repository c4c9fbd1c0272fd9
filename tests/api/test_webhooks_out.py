"""Webhooks out over the API: secrets are told once, tests and deliveries can be followed."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from common.egress import parse_networks
from integrations.models import Integration
from notices.endpoints import MOST
from notices.models import Subscription
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.notices.world import deliver, got, told
from tests.wire import always, answer, listening

pytestmark = pytest.mark.django_db

HOOKS = "/api/v1/webhook-endpoints/"


@pytest.fixture(autouse=True)
def reachable(settings: Settings) -> None:
    """Let receivers of this machine be reached, as an operator would."""
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = parse_networks(["127.0.0.0/8"])


def made(client: APIClient, url: str = "http://127.0.0.1:9/hook?sig=1", **values: Any) -> Any:
    """Make a webhook; return the answer's body."""
    body = {"name": "chat", "url": url, "events": ["run.finished"], **values}
    answered = client.post(HOOKS, body)
    assert answered.status_code == 201, answered.content
    assert answered["Cache-Control"] == "no-store"
    return answered.json()


def listened() -> Any:
    """Give a receiver that takes everything."""
    return listening(always(answer(b"thanks")))


def test_a_secret_is_told_once_and_signs_what_is_sent(as_admin: APIClient, ours: World) -> None:
    with listened() as wire:
        hook = made(as_admin, wire.url)
        told(ours.tenant)
        deliver()
    (request,) = got(wire)
    Webhook(hook["secret"]).verify(request.body, dict(request.headers))
    key = hook["secret"].removeprefix("whsec_")
    for path in (HOOKS, f"{HOOKS}{hook['id']}/", "/api/v1/notice-deliveries/", "/api/v1/notices/"):
        assert key not in as_admin.get(path).content.decode()
    assert key not in json.dumps(list(LogEntry.objects.values("change_message", "object_repr")))


def test_a_webhook_is_changed_only_by_who_has_seen_its_state(as_admin: APIClient) -> None:
    hook = made(as_admin)
    path = f"{HOOKS}{hook['id']}/"
    tag = as_admin.get(path)["ETag"]
    changed = as_admin.patch(path, {"events": ["run.failed"]}, headers={"If-Match": tag})
    assert changed.json()["events"] == ["run.failed"]
    late = as_admin.patch(path, {"name": "other"}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert as_admin.get(path).json()["name"] == "chat"
    assert as_admin.delete(path).status_code == 204
    assert as_admin.get(path).status_code == 404


def test_a_delivery_in_between_refuses_no_edit_and_is_seen_by_readers(
    as_admin: APIClient, ours: World
) -> None:
    with listened() as wire:
        path = f"{HOOKS}{made(as_admin, wire.url)['id']}/"
        tag = as_admin.get(path)["ETag"]
        assert as_admin.get(path, headers={"If-None-Match": tag}).status_code == 304
        told(ours.tenant)
        deliver()
    seen = as_admin.get(path, headers={"If-None-Match": tag})
    assert (seen.status_code, seen.json()["succeeded_at"] is not None) == (200, True)
    changed = as_admin.patch(path, {"name": "other"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    late = as_admin.patch(path, {"name": "third"}, headers={"If-Match": tag})
    assert late.status_code == 412


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"url": "http://169.254.169.254/"}, "/url"),
        ({"url": "hook"}, "/url"),
        ({"events": []}, "/events"),
        ({"events": ["ping"]}, "/events/0"),
        ({"events": ["run.exploded"]}, "/events/0"),
        ({"integrations": [987_654_321]}, "/integrations/0"),
        ({"name": " "}, "/name"),
        ({"secret": "whsec_mine"}, "/secret"),
    ],
)
def test_what_will_not_do_is_refused_with_its_place(
    as_admin: APIClient, values: dict[str, Any], pointer: str
) -> None:
    body = {"name": "chat", "url": "http://127.0.0.1:9/", "events": ["run.failed"], **values}
    answered = as_admin.post(HOOKS, body)
    assert answered.status_code == 400
    assert answered.json()["errors"][0]["pointer"].startswith(pointer.removesuffix("/0"))


def test_there_are_at_most_so_many(as_admin: APIClient) -> None:
    for _ in range(MOST - count(as_admin)):
        made(as_admin)
    body = {"name": "chat", "url": "http://127.0.0.1:9/", "events": ["run.failed"]}
    answered = as_admin.post(HOOKS, body)
    assert (answered.status_code, answered.json()["type"][-8:]) == (409, "conflict")


def count(client: APIClient) -> int:
    """How many there are."""
    return len(client.get(HOOKS).json()["results"])


def test_a_test_can_be_followed_to_its_end(as_admin: APIClient) -> None:
    with listened() as wire:
        hook = made(as_admin, wire.url)
        answered = as_admin.post(f"{HOOKS}{hook['id']}/ping/")
        assert (answered.status_code, answered.json()["state"]) == (202, "waiting")
        deliver()
    path = f"/api/v1/notice-deliveries/{answered.json()['id']}/"
    found = as_admin.get(path).json()
    assert (found["event"], found["state"], found["status"]) == ("ping", "delivered", 200)
    assert found["body"].encode() == got(wire)[0].body
    assert [each["answer"] for each in found["tries"]] == ["thanks"]


def test_what_was_delivered_can_be_sent_again(as_admin: APIClient, ours: World) -> None:
    with listened() as wire:
        made(as_admin, wire.url)
        told(ours.tenant)
        deliver()
        (row,) = as_admin.get("/api/v1/notice-deliveries/?state=delivered").json()["results"]
        again = as_admin.post(f"/api/v1/notice-deliveries/{row['id']}/send-again/")
        assert (again.status_code, again.json()["state"]) == (202, "waiting")
        deliver()
    assert len({each.headers["webhook-id"] for each in got(wire)}) == 1
    assert len(wire.requests) == 2


def test_a_rotated_secret_is_told_once(as_admin: APIClient) -> None:
    hook = made(as_admin)
    answered = as_admin.post(f"{HOOKS}{hook['id']}/rotate-secret/")
    assert answered.json()["secret"] != hook["secret"]
    assert answered.json()["former_secret_until"] is not None
    assert answered["Cache-Control"] == "no-store"


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_who_does_not_administer_reads_without_what_may_be_secret(
    as_admin: APIClient, ours: World, role: str
) -> None:
    hook = made(as_admin)
    client = client_of(ours, role)
    assert client.get(f"{HOOKS}{hook['id']}/").json()["url"] == "http://127.0.0.1:9"
    assert client.get("/api/v1/notices/").status_code == 200
    for path in (f"{HOOKS}{hook['id']}/ping/", f"{HOOKS}{hook['id']}/rotate-secret/", HOOKS):
        assert client.post(path, {}).status_code == 403
    assert client.patch(f"{HOOKS}{hook['id']}/", {}).status_code == 403
    assert client.delete(f"{HOOKS}{hook['id']}/").status_code == 403


def test_an_integration_that_was_removed_opens_a_webhook_to_no_other(
    as_admin: APIClient, ours: World
) -> None:
    with tenant_scope(ours.tenant.pk):
        gone = Integration.objects.create(tenant=ours.tenant, provider="jira", name="gone")
    hook = made(as_admin, integrations=[gone.pk])
    with tenant_scope(ours.tenant.pk):
        Integration.objects.filter(pk=gone.pk).delete()
    changed = as_admin.patch(f"{HOOKS}{hook['id']}/", {"name": "other"}).json()
    assert (changed["name"], changed["integrations"]) == ("other", [gone.pk])


def test_a_test_that_is_asked_for_twice_with_one_key_is_sent_once(as_admin: APIClient) -> None:
    path = f"{HOOKS}{made(as_admin)['id']}/ping/"
    keys = {"Idempotency-Key": "one"}
    first, second = (as_admin.post(path, headers=keys).json() for _ in range(2))
    assert first == second


def test_integrations_of_others_cannot_be_chosen(
    as_admin: APIClient, ours: World, theirs: World
) -> None:
    foreign = theirs.row(Integration).pk
    body = {"name": "x", "url": "http://127.0.0.1:9/", "events": ["run.failed"]}
    answered = as_admin.post(HOOKS, {**body, "integrations": [foreign]})
    missing = as_admin.post(HOOKS, {**body, "integrations": [987_654_321]})
    assert answered.status_code == missing.status_code == 400
    assert answered.json()["detail"].replace(str(foreign), "987654321") == missing.json()["detail"]
    own = ours.row(Integration).pk
    assert made(as_admin, integrations=[own])["integrations"] == [own]


def test_notices_are_listed_by_what_they_are_about(as_admin: APIClient, ours: World) -> None:
    notice = told(ours.tenant, integration_id=7)
    assert notice is not None
    found = as_admin.get("/api/v1/notices/?event=run.finished&integration=7").json()["results"]
    assert [(each["id"], each["title"]) for each in found] == [
        (notice.pk, "Run 7 of jira finished")
    ]
    path = f"/api/v1/notices/{notice.pk}/"
    tag = as_admin.get(path)["ETag"]
    assert as_admin.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_a_member_chooses_their_own_e_mails(ours: World, settings: Settings) -> None:
    settings.MAIL_IS_ON = True
    client = client_of(ours, "viewer")
    ours.members["viewer"].email = "ada@acme.example"
    ours.members["viewer"].save()
    assert client.get("/api/v1/me/notices/").json()["events"] == []
    answered = client.put("/api/v1/me/notices/", {"events": ["run.recovered", "run.failed"]})
    told_ = {
        "events": ["run.failed", "run.recovered"],
        "address": "ada@acme.example",
        "is_on": True,
    }
    assert answered.json() == told_
    assert client.get("/api/v1/me/notices/").json() == told_
    assert client_of(ours, "editor").get("/api/v1/me/notices/").json()["events"] == []
    assert client.put("/api/v1/me/notices/", {"events": ["ping"]}).status_code == 400
    with tenant_scope(ours.tenant.pk):
        assert Subscription.objects.filter(user=ours.members["viewer"]).count() == 1


def test_lists_take_as_many_queries_for_many_rows_as_for_few(
    as_admin: APIClient, ours: World
) -> None:
    def counted() -> list[int]:
        counts = []
        for path in ("/api/v1/notice-deliveries/", "/api/v1/notices/", HOOKS):
            with CaptureQueriesContext(connection) as queries:
                assert len(as_admin.get(path).json()["results"]) >= 1
            counts.append(len(queries))
        return counts

    made(as_admin)
    told(ours.tenant)
    few = counted()
    for number in range(3):
        made(as_admin)
        told(ours.tenant, f"run:more:{number}")
    assert counted() == few
