"""Webhooks in the admin: the secret is shown once, a test tells what came of it, all is logged."""

import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from standardwebhooks import Webhook

from common.egress import parse_networks
from notices.models import Delivery, Endpoint, Subscription
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.notices.world import deliver, got, told
from tests.wire import Script, always, answer, listening

pytestmark = pytest.mark.django_db

ADD = "/admin/notices/endpoint/add/"
REFUSES = always(answer(b"<b>no</b>", "500 Internal Server Error"))


@pytest.fixture(autouse=True)
def reachable(settings: Settings) -> None:
    """Let receivers of this machine be reached, as an operator would."""
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = parse_networks(["127.0.0.0/8"])


def form(**values: Any) -> dict[str, Any]:
    """What is posted to add or change a webhook."""
    return {
        "name": "chat",
        "url": "http://127.0.0.1:9/hook?sig=hidden",
        "events": ["run.finished", "run.failed"],
        "is_active": "on",
        **values,
    }


def page(row: Endpoint, name: str = "change") -> str:
    """Return the address of a page of a webhook."""
    return reverse(f"admin:notices_endpoint_{name}", args=(row.pk,))


def hook(world: World) -> Endpoint:
    """Return the webhook that was made last."""
    with tenant_scope(world.tenant.pk):
        found: Endpoint = Endpoint.objects.latest("pk")
        return found


def entered(world: World, role: str) -> Client:
    """Return a browser in which a member of this role is signed in."""
    client = Client()
    client.force_login(world.members[role])
    return client


def test_a_new_webhook_shows_its_secret_once(as_admin: Client, ours: World) -> None:
    with listening(always(answer(b""))) as wire:
        shown = as_admin.post(ADD, form(url=wire.url), follow=True)
        (secret,) = re.findall(r"whsec_[\w+/=]+", shown.content.decode())
        assert shown["Cache-Control"].startswith("no-store")
        told(ours.tenant)
        deliver()
    Webhook(secret).verify(got(wire)[0].body, dict(got(wire)[0].headers))
    row = hook(ours)
    again = as_admin.get(page(row, "secret")).content.decode()
    assert "was shown already" in again
    assert secret not in again + as_admin.get(page(row)).content.decode()
    assert secret not in json.dumps(list(LogEntry.objects.values("change_message")))


def test_what_will_not_do_is_said_beside_its_field(as_admin: Client, ours: World) -> None:
    before = hook(ours)
    for values, words in (
        ({"url": "http://169.254.169.254/"}, "this address may not be reached"),
        ({"url": "ftp://example.com"}, "an address begins with https://"),
        ({"events": []}, "Choose at least one event."),
        ({"integration_ids": ["987654321"]}, "Select a valid choice"),
    ):
        shown = as_admin.post(ADD, form(**values))
        assert (shown.status_code, words in shown.content.decode()) == (200, True), words
    assert hook(ours) == before


def test_a_webhook_is_changed_and_keeps_its_secret(as_admin: Client, ours: World) -> None:
    as_admin.post(ADD, form())
    row = hook(ours)
    as_admin.post(page(row), form(name="other", events=["run.failed"]))
    changed = hook(ours)
    assert (changed.name, changed.events, changed.secret) == ("other", ["run.failed"], row.secret)
    assert changed.url == "http://127.0.0.1:9/hook?sig=hidden"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (always(answer(b"")), "took the test: it answered 200"),
        (REFUSES, "did not take the test: it answered 500"),
    ],
)
def test_a_test_is_sent_at_once_and_shown(
    script: Script, words: str, as_admin: Client, ours: World
) -> None:
    with listening(script) as wire:
        as_admin.post(ADD, form(url=wire.url))
        shown = as_admin.post(page(hook(ours), "test"), follow=True).content.decode()
    assert words in shown
    assert "&quot;type&quot;:&quot;ping&quot;" in shown
    assert "<b>no</b>" not in shown
    assert got(wire)[0].data["type"] == "ping"


def test_a_rotated_secret_is_shown_once(as_admin: Client, ours: World) -> None:
    first = as_admin.post(ADD, form(), follow=True).content.decode()
    second = as_admin.post(page(hook(ours), "rotate"), follow=True).content.decode()
    secrets = [re.findall(r"whsec_[\w+/=]+", each)[0] for each in (first, second)]
    assert secrets[0] != secrets[1]
    assert "The former secret is good until" in second


def test_a_webhook_is_switched_off_and_on(as_admin: Client, ours: World) -> None:
    as_admin.post(ADD, form())
    for answered, is_active in (("no", False), ("yes", True)):
        as_admin.post(page(hook(ours), "active"), {"active": answered})
        assert hook(ours).is_active is is_active
        assert ("Switch on" in as_admin.get(page(hook(ours))).content.decode()) is not is_active


def test_a_delivery_that_was_given_up_can_be_sent_again(as_admin: Client, ours: World) -> None:
    with listening(REFUSES) as wire:
        as_admin.post(ADD, form(url=wire.url))
        as_admin.post(page(hook(ours), "test"))
        with tenant_scope(ours.tenant.pk):
            delivery = Delivery.objects.latest("pk")
        address = reverse("admin:notices_delivery_again", args=(delivery.pk,))
        shown = as_admin.post(address, follow=True).content.decode()
        assert "It is on its way again" in shown
        deliver()
    assert len({each.headers["webhook-id"] for each in got(wire)}) == 1
    assert len(wire.requests) == 2


def test_a_viewer_sees_webhooks_without_what_may_be_secret(as_admin: Client, ours: World) -> None:
    as_admin.post(ADD, form())
    row = hook(ours)
    assert "http://127.0.0.1:9/hook?sig=hidden" in as_admin.get(page(row)).content.decode()
    viewer = entered(ours, "viewer")
    for address in ("/admin/notices/endpoint/", page(row)):
        shown = viewer.get(address).content.decode()
        assert "http://127.0.0.1:9" in shown
        assert "/hook" not in shown
        assert "sig=hidden" not in shown
        assert "Send a test" not in shown
    assert viewer.post(page(row), form(name="other")).status_code == 403
    assert hook(ours).name == "chat"


def test_deleting_a_webhook_says_how_much_of_the_log_goes(as_admin: Client, ours: World) -> None:
    as_admin.post(ADD, form())
    row = hook(ours)
    told(ours.tenant)
    shown = as_admin.get(page(row, "delete")).content.decode()
    assert re.search(r"Deliveries\D+1\b", re.sub(r"<[^>]+>|\s+", " ", shown), re.IGNORECASE)
    as_admin.post(page(row, "delete"), {"post": "yes"})
    with tenant_scope(ours.tenant.pk):
        assert not Endpoint.objects.filter(pk=row.pk).exists()


def test_a_member_chooses_their_own_e_mails_and_is_told_what_is_missing(
    ours: World, settings: Settings
) -> None:
    viewer, address = entered(ours, "viewer"), reverse("admin:my_notices")
    settings.MAIL_IS_ON = False
    assert "No mail server is set up" in viewer.get(address).content.decode()
    settings.MAIL_IS_ON = True
    assert "You have no e-mail address" in viewer.get(address).content.decode()
    viewer.post(address, {"events": ["run.failed"]})
    with tenant_scope(ours.tenant.pk):
        row = Subscription.objects.get(user=ours.members["viewer"])
        assert row.events == ["run.failed"]
    viewer.post(address, {})
    with tenant_scope(ours.tenant.pk):
        assert Subscription.objects.get(pk=row.pk).events == []
