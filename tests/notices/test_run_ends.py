"""The end of a run is told once, with it or not at all, to those of its tenant who asked."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import mail
from django.db import DataError, transaction
from django.utils import timezone
from pytest_django import Settings

from common.errors import PermanentError
from integrations.models import Integration
from jobs import queue, retries, run_notices, runs
from jobs.control import runs as control
from jobs.models import JobRun, QueueEntry, Stage
from notices.events import Event
from notices.models import Delivery, Notice, ToldValues
from notices.telling import tell
from tenants.models import Membership, Role, Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, make_run, run_state
from tests.loglines import kept_lines
from tests.notices.world import (
    EVERY_EVENT,
    deliver,
    deliveries,
    endpoint,
    got,
    member,
    new_tenant,
    receiver,
    told,
)

pytestmark = pytest.mark.django_db

HOOK = "http://127.0.0.1:9/"


def ended(run: JobRun, *, failed: bool = False, key: str = "page:1") -> str | None:
    """Let a run do one step, and end."""
    add_steps(run, key, stage=Stage.EXTRACT if failed else Stage.TRANSFORM)
    step = queue.claim(Stage.EXTRACT if failed else Stage.TRANSFORM, "worker")
    assert step is not None
    if failed:
        retries.fail(step, PermanentError("the token is wrong"))
    else:
        with tenant_scope(run.tenant_id), transaction.atomic():
            queue.complete(step)
    return runs.finish_if_done(run.pk)


def again(run: JobRun) -> JobRun:
    """Start a further run of the same integration."""
    with tenant_scope(run.tenant_id):
        integration = Integration.objects.get(pk=run.integration_id)
        return runs.start(integration, JobRun.Trigger.MANUAL, JobRun.Mode.FULL)


def notices() -> list[Notice]:
    """Every notice, in order."""
    with every_tenant("test"):
        return list(Notice.objects.order_by("id"))


def events() -> list[str]:
    """What was told, in order."""
    return [each.event for each in notices()]


def test_the_end_of_a_run_is_told_once() -> None:
    run = make_run()
    assert ended(run) == "completed"
    assert runs.finish_if_done(run.pk) is None
    assert events() == ["run.finished"]
    (notice,) = notices()
    assert notice.payload["run"]["state"] == "completed"
    assert notice.payload["integration"]["name"] == "jira-0"


def test_a_failure_is_told_with_its_reason_and_then_the_recovery() -> None:
    run = make_run()
    assert ended(run, failed=True) == "failed"
    assert "the token is wrong" in notices()[0].payload["run"]["error"]
    following = again(run)
    ended(following)
    ended(again(following))
    assert events() == ["run.failed", "run.finished", "run.recovered", "run.finished"]


def test_a_run_that_is_replayed_tells_its_second_end_too() -> None:
    run = make_run()
    ended(run, failed=True)
    with every_tenant("test"):
        assert retries.replay(QueueEntry.objects.get(run=run))
    step = queue.claim(Stage.EXTRACT, "worker")
    assert step is not None
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(step)
    assert runs.finish_if_done(run.pk) == "completed"
    assert events() == ["run.failed", "run.finished", "run.recovered"]


def refetching(run: JobRun) -> JobRun:
    """Make a run one that fetches single items again."""
    with every_tenant("test"):
        JobRun.objects.filter(pk=run.pk).update(mode=JobRun.Mode.REFETCH)
    return run


def test_of_refetches_in_a_row_the_first_failure_is_told() -> None:
    run = refetching(make_run())
    assert ended(run) == "completed"
    assert events() == []
    for _ in range(2):
        assert ended(refetching(again(run)), failed=True) == "failed"
    assert events() == ["run.failed"]
    ended(again(run))
    assert events() == ["run.failed", "run.finished", "run.recovered"]


def test_a_cancelled_run_is_not_told() -> None:
    run = make_run()
    add_steps(run, "page:1")
    control.cancel(run)
    assert run_state(run) == "cancelled"
    assert events() == []


def test_an_end_that_is_rolled_back_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    endpoint(Tenant.objects.get(), HOOK)

    def broken(*_: Any) -> None:
        raise RuntimeError("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(retries, "log_line", broken)  # it is called behind the notice
        with pytest.raises(RuntimeError):
            ended(run)
    assert (run_state(run), events(), deliveries()) == ("running", [], [])
    assert runs.finish_if_done(run.pk) == "completed"
    assert (events(), len(deliveries())) == (["run.finished"], 1)


@pytest.mark.parametrize("error", [RuntimeError("a fault"), DataError("a value is too long")])
def test_a_run_ends_also_if_its_values_cannot_be_told(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()

    def broken(integration: Integration, *_: Any) -> None:
        ToldValues.objects.create(tenant_id=integration.tenant_id, integration=integration)
        raise error

    monkeypatch.setattr(run_notices, "tell_unmapped", broken)
    with kept_lines() as lines:
        assert ended(run) == "completed"
    assert (run_state(run), events()) == ("completed", ["run.finished"])
    assert "could not be told" in str(lines)
    assert str(error) in str(lines)
    with every_tenant("test"):
        assert not ToldValues.objects.exists(), "what it wrote is undone"


def test_nothing_can_be_told_outside_of_a_transaction(transactional_db: None) -> None:
    tenant = new_tenant("other")
    with pytest.raises(AssertionError, match="with what it tells"):
        tell(tenant.pk, Event.PING, "key", {})


def test_one_key_is_told_once_in_each_tenant() -> None:
    ours, theirs = new_tenant("ours"), new_tenant("theirs")
    for tenant in (ours, theirs):
        endpoint(tenant, HOOK)
    assert told(ours) is not None
    assert told(ours) is None
    assert told(theirs) is not None
    assert len(deliveries()) == 2


def test_a_tenant_never_gets_the_notices_of_another(settings: Settings) -> None:
    settings.MAIL_IS_ON = True
    ours, theirs = new_tenant("ours"), new_tenant("theirs")
    member(ours, "alice", Role.ADMIN, EVERY_EVENT)
    member(theirs, "bob", Role.ADMIN, EVERY_EVENT)
    with receiver(ours) as (our_wire, _), receiver(theirs) as (their_wire, _):
        told(ours)
        deliver()
    assert len(our_wire.requests) == 1
    assert their_wire.requests == []
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]


def test_only_what_was_chosen_is_sent() -> None:
    run = make_run()
    tenant = Tenant.objects.get()
    other = make_run()
    endpoint(tenant, HOOK, name="failures", events=["run.failed"])
    endpoint(tenant, HOOK, name="other", integration_ids=[other.integration_id])
    endpoint(tenant, HOOK, name="this", integration_ids=[run.integration_id])
    endpoint(tenant, HOOK, name="off", is_active=False)
    ended(run)
    assert [each.endpoint.name for each in deliveries() if each.endpoint] == ["this"]


# ---- by e-mail


@pytest.fixture
def mailing(settings: Settings) -> Iterator[Tenant]:
    """A tenant of an installation that sends e-mails."""
    settings.MAIL_IS_ON = True
    settings.SITE_URL = "https://etl.example.com"
    yield new_tenant()


def test_a_member_is_told_by_e_mail_in_plain_text(mailing: Tenant) -> None:
    member(mailing, "alice", events=["run.failed"])
    payload = {
        "run": {"id": 7, "mode": "full", "state": "failed", "error": "no <b>way</b>\r\nBcc: x@y"},
        "integration": {"id": 1, "name": "jira", "provider": "jira"},
    }
    told(mailing, "run:7", Event.RUN_FAILED, payload)
    told(mailing, "run:8")
    deliver()
    (message,) = mail.outbox
    assert message.subject == "[acme Ltd] Run 7 of jira failed"
    assert "Reason: no <b>way</b> Bcc: x@y" in message.body
    assert "https://etl.example.com/admin/jobs/jobrun/7/change/" in message.body
    assert "https://etl.example.com/admin/my-notices/" in message.body
    assert message.content_subtype == "plain"
    assert message.from_email == configured.DEFAULT_FROM_EMAIL
    assert deliveries()[0].message_id in str(message.extra_headers["Message-ID"])


def test_who_is_no_member_any_more_is_told_nothing(mailing: Tenant) -> None:
    alice = member(mailing, "alice", events=EVERY_EVENT)
    told(mailing)
    with every_tenant("test"):
        Membership.objects.filter(user=alice).delete()
    told(mailing, "run:8")
    deliver()
    assert mail.outbox == []
    (row,) = deliveries()
    assert (row.state, row.error) == ("given_up", "they are not a member any more")


def test_without_a_mail_server_nothing_is_put_on_its_way(settings: Settings) -> None:
    settings.MAIL_IS_ON = False
    tenant = new_tenant()
    member(tenant, "alice", events=EVERY_EVENT)
    told(tenant)
    assert deliveries() == []


def test_a_mail_server_that_refuses_is_asked_again(mailing: Tenant, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    member(mailing, "alice", events=EVERY_EVENT)
    told(mailing)
    deliver()
    (row,) = deliveries()
    assert row.state == Delivery.State.WAITING
    assert row.error.startswith("the mail server did not take it: ConnectionRefusedError")
    assert row.next_at > timezone.now()


def test_administrators_are_told_of_a_webhook_that_was_switched_off(mailing: Tenant) -> None:
    member(mailing, "alice", Role.ADMIN)
    member(mailing, "bob", Role.EDITOR)
    payload = {"webhook": {"id": 1, "name": "hook"}, "reason": "it answered 410"}
    told(mailing, "webhook:1", Event.WEBHOOK_DISABLED, payload)
    deliver()
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]
    assert "The webhook hook was switched off." in mail.outbox[0].body


def test_every_event_has_words_even_without_a_payload(mailing: Tenant) -> None:
    member(mailing, "alice", events=EVERY_EVENT)
    for event in Event:
        told(mailing, f"key:{event}", event, {})
    deliver()
    assert len(mail.outbox) == len(EVERY_EVENT)


def test_receivers_are_given_what_the_notice_holds() -> None:
    tenant = new_tenant()
    with receiver(tenant) as (wire, _):
        notice = told(tenant)
        deliver()
    assert notice is not None
    (request,) = got(wire)
    assert set(request.data) == {"type", "timestamp", "data"}
    assert request.data["timestamp"] == notice.occurred_at.isoformat().replace("+00:00", "Z")
    assert request.headers["content-type"] == "application/json"
