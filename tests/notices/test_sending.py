"""What is sent: signed so that a published library takes it, to nowhere it may not go."""

import socket
import threading
from typing import Any

import pytest
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from common.transport import Limits
from integrations.errors import FieldError
from notices import sending
from notices.endpoints import checked_url, rotate
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.loglines import kept_lines
from tests.notices.world import (
    PAYLOAD,
    attempts,
    deliver,
    deliveries,
    endpoint,
    fresh,
    got,
    let_time_pass,
    receiver,
    told,
)
from tests.wire import always, answer, listening

pytestmark = pytest.mark.django_db


def test_a_published_library_takes_the_signature_and_no_other_body(tenant: Tenant) -> None:
    with listening(always(answer(b""))) as wire:
        _, secret = endpoint(tenant, f"{wire.url}/hook")
        told(tenant)
        deliver()
    (request,) = got(wire)
    taken: Any = Webhook(secret).verify(request.body, dict(request.headers))
    assert (taken["type"], taken["data"]) == ("run.finished", PAYLOAD)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request.body + b" ", dict(request.headers))


def test_after_a_rotation_both_secrets_are_good_for_a_day(tenant: Tenant) -> None:
    with listening(always(answer(b""))) as wire:
        row, former = endpoint(tenant, f"{wire.url}/hook")
        with tenant_scope(tenant.pk):
            secret = rotate(row)
        told(tenant)
        deliver()
        let_time_pass(hours=25)
        told(tenant, "run:8")
        deliver()
    first, second = got(wire)
    for each in (former, secret):
        Webhook(each).verify(first.body, dict(first.headers))
    Webhook(secret).verify(second.body, dict(second.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(former).verify(second.body, dict(second.headers))


def test_the_address_is_asked_as_it_was_given(tenant: Tenant) -> None:
    with listening(always(answer(b""))) as wire:
        endpoint(tenant, f"{wire.url}/a/?sig=a%2Fb")
        told(tenant)
        deliver()
    assert wire.requests[0].startswith(b"POST /a/?sig=a%2Fb HTTP/1.1")


def test_a_redirect_is_not_followed(tenant: Tenant) -> None:
    with listening(always(answer(b""))) as other:
        reply = answer(b"", "307 Temporary Redirect", (f"Location: {other.url}/",))
        with receiver(tenant, always(reply)):
            told(tenant)
            deliver()
    assert other.requests == []
    assert "a redirect, which is not followed" in deliveries()[0].error


def test_a_huge_answer_is_not_read(tenant: Tenant) -> None:
    with receiver(tenant, always(answer(b"x" * 70_000))):
        told(tenant)
        deliver()
    assert deliveries()[0].error.startswith("the answer is larger than 64 KiB")


def test_a_slow_receiver_is_left_at_the_deadline(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LIMITS", Limits(deadline_seconds=0.2, max_bytes=65536))
    over = threading.Event()

    def slow(connection: socket.socket, request: bytes) -> None:
        over.wait(10)

    with receiver(tenant, slow):
        told(tenant)
        deliver()
        over.set()
    assert "no whole answer came within 0.2 seconds" in deliveries()[0].error
    assert sending.LIMITS.deadline_seconds < 60, "less than a lease"


def test_who_refuses_the_connection_is_tried_again(tenant: Tenant) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    endpoint(tenant, f"http://127.0.0.1:{port}/")
    told(tenant)
    deliver()
    assert "the connection was refused" in deliveries()[0].error
    assert deliveries()[0].state == "waiting"


def test_of_an_answer_a_thousand_characters_are_kept_without_secrets(tenant: Tenant) -> None:
    with listening(lambda connection, _: connection.sendall(reply[0])) as wire:
        row, secret = endpoint(tenant, f"{wire.url}/hook")
        said = f"\0 {secret} and {secret.removeprefix('whsec_')} " + "é" * 2000
        reply = [answer(said.encode(), "400 Bad Request")]
        told(tenant)
        with kept_lines() as lines:
            deliver()
    kept = attempts()[0].answer
    assert len(kept) == 1000
    assert kept.startswith("� [redacted] and [redacted]")
    assert secret.removeprefix("whsec_") not in kept + str(lines)
    assert secret.removeprefix("whsec_") not in fresh(row).secret


def test_neither_log_nor_deliveries_tell_the_path_of_an_address(tenant: Tenant) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    endpoint(tenant, f"http://127.0.0.1:{port}/services/T0SECRET1/xyz?key=alsohidden")

    def echoing(connection: socket.socket, request: bytes) -> None:
        path = request.split(b" ")[1]
        connection.sendall(answer(b"Cannot POST " + path, "404 Not Found"))

    with listening(echoing) as wire:
        endpoint(tenant, f"{wire.url}/services/T0SECRET1/xyz?key=alsohidden")
        told(tenant)
        with kept_lines() as lines:
            deliver()
    refused, echoed = deliveries()
    assert f"POST http://127.0.0.1:{port}: the connection was refused" in refused.error
    assert "it answered 404" in echoed.error
    told_of = str([(each.error, each.answer) for each in attempts()]) + str(lines)
    for part in ("T0SECRET1", "xyz", "alsohidden"):
        assert part not in told_of


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://localhost/hook",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://0.0.0.0/",
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.7.4/hook",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "http://93.184.216.34/",
        "https://93.184.216.34:22/",
        "https://93.184.216.34:5432/",
        "https://user:password@93.184.216.34/",
        "https://93.184.216.34/#part",
        "https://93.184.216.34/a/%2e%2e/b",
        "https://93.184.216.34/?a b",
        "https://93.184.216.34/?a#b",
        "file:///etc/passwd",
        "gopher://93.184.216.34/",
        "//93.184.216.34/",
        "hook",
        "",
    ],
)
def test_nothing_may_be_sent_to_where_the_product_may_not_go(url: str, settings: Settings) -> None:
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = ()
    with pytest.raises(FieldError) as refused:
        checked_url(url)
    assert refused.value.field == "url"


def test_an_address_is_judged_again_when_it_is_connected_to(
    tenant: Tenant, settings: Settings
) -> None:
    with receiver(tenant) as (wire, _):
        settings.EGRESS_ALLOWED_PRIVATE_CIDRS = ()
        told(tenant)
        deliver()
    assert wire.connections == 0
    assert "this address may not be reached" in deliveries()[0].error
