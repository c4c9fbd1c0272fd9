"""Webhooks in: what is not genuine is answered alike, what is leads to one refetch and no more."""

import hmac
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha1, sha256
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.credentials import store_credentials
from integrations.models import Integration, Webhook, WebhookDelivery
from jobs import webhook_pruning, webhooks_in
from jobs.control.runs import cancel
from jobs.models import JobRun, QueueEntry
from sandbox import webhooks
from sandbox.webhooks import Delivery
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db

ISSUE = {"id": "10001", "key": "PAY-1", "fields": {"project": {"id": "10000", "key": "PAY"}}}
PULL = {
    "action": "synchronize",
    "repository": {"id": 5, "node_id": "R_5", "full_name": "acme/pay"},
    "pull_request": {"number": 7},
}


def connected(world: World, provider: str, **settings: Any) -> Integration:
    values: dict[str, dict[str, str]] = {
        "jira": {"user": "a@example.com", "token": "a-token-of-ours"},
        "github": {"token": "a-token-of-ours"},
    }
    with tenant_scope(world.tenant.pk):
        row: Integration = Integration.objects.create(
            tenant=world.tenant,
            name=provider,
            provider=provider,
            base_url=f"https://{provider}.example.com",
            settings=settings,
        )
        method = {"jira": "basic", "github": "token"}[provider]
        store_credentials(row, method, values[provider])
    return row


def made(client: APIClient, row: Integration) -> tuple[str, str]:
    """Make a webhook; return its path and secret."""
    answer = client.post(f"/api/v1/integrations/{row.pk}/webhook/")
    assert answer.status_code == 201, answer.content
    told = answer.json()
    return "/api" + told["url"].partition("/api")[2], told["secret"]


@pytest.fixture
def jira(ours: World) -> Integration:
    """A connected Jira of ours that fetches one project."""
    return connected(ours, "jira", projects="PAY")


@pytest.fixture
def hook(as_admin: APIClient, jira: Integration) -> tuple[str, str]:
    """The path and the secret of its webhook."""
    return made(as_admin, jira)


def sent(path: str, delivery: Delivery) -> Any:
    """Deliver as a program that nobody is signed in to."""
    headers = {name: value for name, value in delivery.headers.items() if name != "Content-Type"}
    return APIClient(enforce_csrf_checks=True).post(
        path,
        delivery.body,
        content_type=delivery.headers.get("Content-Type", "application/json"),
        headers=headers,
    )


def changed(secret: str, delivery_id: str = "one", event: str = "jira:issue_updated") -> Delivery:
    return webhooks.jira(event, ISSUE, secret, delivery_id)


def deliveries(row: Integration) -> list[WebhookDelivery]:
    with tenant_scope(row.tenant_id):
        return list(WebhookDelivery.objects.filter(integration=row).order_by("id"))


def runs(row: Integration) -> list[JobRun]:
    with tenant_scope(row.tenant_id):
        return list(JobRun.objects.filter(integration=row, mode=JobRun.Mode.REFETCH))


# ---- what is genuine


def test_a_delivery_is_kept_exactly_and_starts_a_small_run(
    hook: tuple[str, str], jira: Integration
) -> None:
    path, secret = hook
    delivery = changed(secret)
    answer = sent(path, delivery)
    assert answer.status_code == 202, answer.content
    assert (answer.json()["state"], answer.json()["is_new"]) == ("waiting", True)
    (kept,) = deliveries(jira)
    assert webhooks_in.body_of(kept) == delivery.body
    assert kept.items == [{"part": "10000", "id": "10001"}]
    assert secret not in str(kept.headers)
    (run,) = runs(jira)
    assert run.trigger == JobRun.Trigger.WEBHOOK


def test_the_same_delivery_again_changes_nothing(hook: tuple[str, str], jira: Integration) -> None:
    path, secret = hook
    answers = [sent(path, changed(secret)) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 202]
    assert [each.json()["is_new"] for each in answers] == [True, False, False]
    assert len(deliveries(jira)) == len(runs(jira)) == 1


def test_a_delivery_without_an_id_is_known_by_its_body(
    hook: tuple[str, str], jira: Integration
) -> None:
    path, secret = hook
    delivery = changed(secret)
    headers = dict(delivery.headers)
    del headers["X-Atlassian-Webhook-Identifier"]
    for _ in range(2):
        assert sent(path, replace(delivery, headers=headers)).status_code == 202
    (kept,) = deliveries(jira)
    assert kept.delivery_id.startswith("body:")


def test_deliveries_that_come_together_are_fetched_by_one_run_each_item_once(
    hook: tuple[str, str], jira: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, secret = hook
    for number in range(5):
        assert sent(path, changed(secret, f"d{number}")).status_code == 202
    (run,) = runs(jira)
    with tenant_scope(jira.tenant_id):
        step = QueueEntry.objects.get(run=run)
        made_of: list[Any] = []
        monkeypatch.setattr(
            webhooks_in, "complete", lambda step, successors: made_of.extend(successors)
        )
        webhooks_in.refetch_step(step)
    (ask,) = made_of
    assert ask.params["ask"]["place"]["ids"] == ["10001"]
    assert {(each.state, each.run_id) for each in deliveries(jira)} == {("taken", run.pk)}


def test_what_comes_after_a_run_has_begun_is_fetched_by_another(
    hook: tuple[str, str], jira: Integration
) -> None:
    path, secret = hook
    sent(path, changed(secret, "d1"))
    with tenant_scope(jira.tenant_id):
        QueueEntry.objects.filter(run=runs(jira)[0]).update(state=QueueEntry.State.RUNNING)
    sent(path, changed(secret, "d2"))
    assert len(runs(jira)) == 2


def test_deliveries_whose_run_was_cancelled_are_taken_up_by_another(
    hook: tuple[str, str], jira: Integration
) -> None:
    path, secret = hook
    sent(path, changed(secret, "left"))
    (run,) = runs(jira)
    with tenant_scope(jira.tenant_id):
        cancel(run)
    later = timezone.now() + timedelta(minutes=31)
    assert webhooks_in.take_up() == 0  # it came just now
    assert webhooks_in.take_up(later) == 1
    first, second = sorted(runs(jira), key=lambda each: each.pk)
    assert (first.state, second.state) == (JobRun.State.CANCELLED, JobRun.State.RUNNING)
    with tenant_scope(jira.tenant_id):
        JobRun.objects.filter(pk=second.pk).update(started_at=later)
    assert webhooks_in.take_up(later) == 0


@pytest.mark.parametrize(
    ("event", "issue", "reason"),
    [
        ("sprint_created", {}, "sprint_created is not about an item"),
        ("", {}, "no event is not about an item"),
        ("jira:issue_updated", {}, "it cannot be understood"),
        ("jira:issue_updated", {"id": "1"}, "it names no item and project"),
        (
            "jira:issue_updated",
            {"id": "1", "fields": {"project": {"id": "2", "key": "OPS"}}},
            "project OPS is not selected",
        ),
        (
            "jira:issue_updated",
            {"id": "../1", "fields": {"project": {"id": "2", "key": "PAY"}}},
            "no id that is a number",
        ),
    ],
)
def test_what_is_not_about_a_selected_item_is_kept_and_ignored_with_the_reason(
    hook: tuple[str, str], jira: Integration, event: str, issue: dict[str, Any], reason: str
) -> None:
    path, secret = hook
    answer = sent(path, webhooks.jira(event, issue, secret, "one"))
    assert (answer.status_code, answer.json()["state"]) == (202, "ignored")
    assert reason in deliveries(jira)[0].reason
    assert not runs(jira)


def test_github_is_understood_too(as_admin: APIClient, ours: World) -> None:
    row = connected(ours, "github", repositories="acme/pay")
    path, secret = made(as_admin, row)
    comment = {**PULL, "pull_request": None, "issue": {"number": 8, "pull_request": {"url": ""}}}
    issue = {**comment, "issue": {"number": 9}}
    elsewhere = {**PULL, "repository": {"id": 6, "node_id": "R_6", "full_name": "acme/ops"}}
    told: list[tuple[str, dict[str, Any]]] = [
        ("ping", {"zen": "…"}),
        ("pull_request", PULL),
        ("pull_request_review", PULL),
        ("issue_comment", comment),
        ("issue_comment", issue),
        ("pull_request", elsewhere),
        ("star", PULL),
    ]
    states = [
        sent(path, webhooks.github(event, payload, secret, f"d{n}")).json()["state"]
        for n, (event, payload) in enumerate(told)
    ]
    assert states == ["ping", *["waiting"] * 3, *["ignored"] * 3]
    numbers = [item["id"] for each in deliveries(row) for item in each.items]
    assert numbers == ["7", "7", "8"]
    assert len(runs(row)) == 1


# ---- what is not


def test_whatever_is_not_genuine_is_answered_alike(
    hook: tuple[str, str], jira: Integration, theirs: World
) -> None:
    path, secret = hook
    _, foreign = made(client_of(theirs, "admin"), connected(theirs, "jira"))
    good = changed(secret)

    def signed_by(value: str) -> Delivery:
        return replace(good, headers={**good.headers, "X-Hub-Signature": value})

    digest = hmac.new(secret.encode(), good.body, sha256).hexdigest()
    weak = hmac.new(secret.encode(), good.body, sha1).hexdigest()
    unsigned = {name: value for name, value in good.headers.items() if "Signature" not in name}
    tried = {
        "unknown address": sent("/api/v1/webhooks/nothing/", good),
        "forged": sent(path, changed("another secret")),
        "secret of another tenant": sent(path, changed(foreign)),
        "a byte of the body": sent(path, replace(good, body=good.body.replace(b"PAY-1", b"PAY-2"))),
        "no signature": sent(path, replace(good, headers=unsigned)),
        "empty signature": sent(path, signed_by("sha256=")),
        "sha1": sent(path, signed_by(f"sha1={weak}")),
        "sha1 as sha256": sent(path, signed_by(f"sha256={weak}")),
        "no algorithm": sent(path, signed_by(digest)),
        "not ASCII": sent(path, signed_by("sha256=é")),
    }
    bodies = set()
    for name, answer in tried.items():
        assert answer.status_code == 404, name
        bodies.add(json.dumps({**answer.json(), "trace_id": ""}))
    assert len(bodies) == 1
    assert not deliveries(jira)
    assert not runs(jira)


def test_one_that_is_not_active_was_ended_or_replaced_takes_nothing(
    hook: tuple[str, str], as_admin: APIClient, jira: Integration
) -> None:
    path, secret = hook
    as_admin.post(f"/api/v1/integrations/{jira.pk}/deactivate/")
    assert sent(path, changed(secret)).status_code == 404
    as_admin.post(f"/api/v1/integrations/{jira.pk}/activate/")
    assert sent(path, changed(secret)).status_code == 202
    again, new = made(as_admin, jira)
    assert sent(path, changed(secret, "two")).status_code == 404
    assert sent(again, changed(secret, "two")).status_code == 404
    assert sent(again, changed(new, "two")).status_code == 202
    address = f"/api/v1/integrations/{jira.pk}/webhook/"
    assert as_admin.delete(address).status_code == 204
    assert sent(again, changed(new, "three")).status_code == 404
    assert as_admin.get(address).json()["is_there"] is False


@pytest.mark.parametrize(
    ("body", "type_", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"payload={}", "application/x-www-form-urlencoded", 415),
        (b"", "text/plain", 400),
        (b" " * (5 * 1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_what_is_no_json_or_too_large_is_refused_and_not_kept(
    hook: tuple[str, str], jira: Integration, body: bytes, type_: str, status: int
) -> None:
    path, secret = hook
    delivery = Delivery(body, {"Content-Type": type_}).signed("X-Hub-Signature", secret)
    assert sent(path, delivery).status_code == status
    assert not deliveries(jira)


def test_the_secret_is_told_once_and_kept_sealed(
    hook: tuple[str, str], as_admin: APIClient, jira: Integration
) -> None:
    path, secret = hook
    shown = as_admin.get(f"/api/v1/integrations/{jira.pk}/webhook/").content.decode()
    assert path in shown
    assert secret not in shown
    with tenant_scope(jira.tenant_id):
        assert secret not in Webhook.objects.get(integration=jira).secret


def test_deliveries_are_listed_and_read(
    hook: tuple[str, str], as_admin: APIClient, ours: World, jira: Integration
) -> None:
    path, secret = hook
    delivery = changed(secret)
    kept = sent(path, delivery).json()["id"]
    listed = as_admin.get(f"/api/v1/webhook-deliveries/?integration={jira.pk}&state=waiting")
    assert [each["id"] for each in listed.json()["results"]] == [kept]
    one = as_admin.get(f"/api/v1/webhook-deliveries/{kept}/").json()
    assert one["event"] == "jira:issue_updated"
    assert as_admin.get(f"/api/v1/webhook-deliveries/{kept}/body/").content == delivery.body


def test_only_an_administrator_makes_and_ends_a_webhook(ours: World, jira: Integration) -> None:
    address = f"/api/v1/integrations/{jira.pk}/webhook/"
    client = client_of(ours, "editor")
    assert client.post(address).status_code == client.delete(address).status_code == 403
    assert client.get(address).status_code == 200


# ---- what is forgotten


def test_old_deliveries_are_forgotten_but_for_those_that_wait(
    hook: tuple[str, str], jira: Integration
) -> None:
    path, secret = hook
    for name in ("old", "waiting", "new"):
        sent(path, changed(secret, name))
    long_ago = timezone.now() - timedelta(days=31)
    with tenant_scope(jira.tenant_id):
        rows = WebhookDelivery.objects.filter(integration=jira)
        rows.exclude(delivery_id="waiting").update(state=WebhookDelivery.State.TAKEN)
        rows.exclude(delivery_id="new").update(received_at=long_ago)
    webhook_pruning.prune()
    assert [each.delivery_id for each in deliveries(jira)] == ["waiting", "new"]
    webhook_pruning.prune(timezone.now() + timedelta(days=31))
    assert [each.delivery_id for each in deliveries(jira)] == ["waiting"]
