"""A mail server that is away, hangs or refuses somebody keeps nothing else from being sent."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from pytest_django import Settings

from notices import claiming, courier
from notices.claiming import Way
from notices.events import Event
from notices.telling import WAKE
from tenants.models import Tenant
from tests.notices.world import attempts, deliver, deliveries, endpoint, member, told
from tests.wire import answer, listening

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def by_smtp(settings: Settings) -> None:
    """Send e-mails to a server of this machine."""
    settings.MAIL_IS_ON = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"


@contextmanager
def mail_server(settings: Settings, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """Let e-mails go to a server that treats each connection so."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.EMAIL_PORT = server.getsockname()[1]
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)


def refusing_bob(connection: socket.socket) -> None:
    """Speak SMTP, and take no message for bob."""
    is_body = False
    connection.sendall(b"220 here\r\n")
    for line in connection.makefile("rb"):
        if is_body:
            is_body = line != b".\r\n"
            reply = b"" if is_body else b"250 taken"
        else:
            is_body = line == b"data\r\n"
            refusal = line.startswith(b"rcpt TO:<bob@")
            reply = b"550 nobody" if refusal else b"354 go on" if is_body else b"250 fine"
        if reply:
            connection.sendall(reply + b"\r\n")


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_hangs_does_not_hold_up_webhooks(
    tenant: Tenant, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "POLL_SECONDS", 0.05)
    reached, released, arrived, stop = (threading.Event() for _ in range(4))

    def hanging(connection: socket.socket) -> None:
        reached.set()
        released.wait(20)

    def quick(connection: socket.socket, request: bytes) -> None:
        connection.sendall(answer(b""))
        arrived.set()

    for number in range(len(courier.COURIERS)):
        member(tenant, f"alice{number}", events=["run.failed"])
    threads = [threading.Thread(target=courier.run, args=(way, stop)) for way in courier.COURIERS]
    with mail_server(settings, hanging), listening(quick) as wire:
        endpoint(tenant, wire.url, events=["run.finished"])
        told(tenant, "run:7", Event.RUN_FAILED)
        for thread in threads:
            thread.start()
        try:
            assert reached.wait(10)
            told(tenant, "run:8", Event.RUN_FINISHED)
            assert arrived.wait(10)
        finally:
            stop.set()
            released.set()
            WAKE.set()
            for thread in threads:
                thread.join(10)


def test_after_a_failed_connection_other_mails_are_left_for_later(
    tenant: Tenant, settings: Settings
) -> None:
    settings.EMAIL_PORT = 9
    for name in ("alice", "bob", "carol"):
        member(tenant, name, events=["run.finished"])
    told(tenant)
    assert deliver() == 1
    assert sorted(each.attempts for each in deliveries()) == [0, 0, 1]


@pytest.mark.django_db(transaction=True)
def test_the_courier_of_mails_leaves_a_server_that_is_away_alone_for_a_minute(
    tenant: Tenant, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stop(threading.Event):
        seconds: float | None = None

        def wait(self, timeout: float | None = None) -> bool:
            self.seconds = timeout
            self.set()
            return True

    monkeypatch.setattr(courier, "POLL_SECONDS", 0.01)
    settings.EMAIL_PORT = 9
    member(tenant, "alice", events=["run.finished"])
    member(tenant, "bob", events=["run.finished"])
    told(tenant)
    stop = Stop()
    at_last = threading.Timer(10, stop.set)
    at_last.start()
    courier.run(Way.MAIL, stop)
    at_last.cancel()
    assert stop.seconds == 60
    assert len(attempts()) == 1


def test_a_member_whom_the_server_refuses_keeps_no_other_from_being_told(
    tenant: Tenant, settings: Settings
) -> None:
    for name in ("bob", "alice"):
        member(tenant, name, events=["run.finished"])
    with mail_server(settings, refusing_bob):
        told(tenant)
        assert deliver() == 2
    assert sorted(each.state for each in deliveries()) == ["delivered", "waiting"]
    assert "550" in deliveries()[0].error


def test_a_lease_outlasts_a_mail_server_that_takes_its_time(settings: Settings) -> None:
    assert claiming.LEASES[Way.MAIL].total_seconds() >= 20 * settings.EMAIL_TIMEOUT
