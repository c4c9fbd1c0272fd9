"""Couriers: nothing is lost, whoever dies; one attempt at a time; what fails is tried again."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from notices import claiming, courier, health, sending
from notices.claiming import Way
from notices.endpoints import ping, send_again, set_active
from notices.events import Event
from notices.models import Delivery
from notices.telling import WAKE
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.loglines import kept_lines
from tests.notices.world import (
    attempts,
    deliver,
    deliveries,
    endpoint,
    fresh,
    got,
    let_time_pass,
    new_tenant,
    receiver,
    told,
)
from tests.wire import always, answer

pytestmark = pytest.mark.django_db

REFUSES = always(answer(b"no", "500 Internal Server Error"))


class Crash(BaseException):
    """The process is gone."""


def dying(function: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """Return the function that dies at its first call, before or after it is done."""
    died: list[bool] = []

    def once(*args: Any, **named: Any) -> Any:
        done = function(*args, **named) if after or died else None
        if not died:
            died.append(True)
            raise Crash
        return done

    return once


POINTS = {
    "before it is sent": (courier, "post", False),
    "after it was sent": (courier, "post", True),
    "before the outcome is noted": (courier, "note", False),
    "in the transaction of the outcome": (health, "note", True),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_dies_leaves_the_notice_to_be_sent_by_the_same_id(
    point: str, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name, after = POINTS[point]
    monkeypatch.setattr(owner, name, dying(getattr(owner, name), after=after))
    with receiver(tenant) as (wire, _):
        told(tenant)
        with pytest.raises(Crash):
            deliver()
        assert deliver() == 0, "its lease has not run out"
        let_time_pass()
        assert deliver() == 1
    assert len(wire.requests) == (1 if point == "before it is sent" else 2)
    assert {each.headers["webhook-id"] for each in got(wire)} == {deliveries()[0].message_id}
    assert [each.state for each in deliveries()] == ["delivered"]
    assert [each.is_delivered for each in attempts()] == [False, True]
    assert attempts()[0].ended_at is None


@pytest.mark.django_db(transaction=True)
def test_couriers_make_one_attempt_at_a_time_for_a_tenant(tenant: Tenant) -> None:
    going: list[int] = []
    most: list[int] = []
    pause = threading.Event()

    def slow(connection: socket.socket, request: bytes) -> None:
        going.append(1)
        most.append(len(going))
        pause.wait(0.02)
        going.pop()
        connection.sendall(answer(b""))

    with receiver(tenant, slow) as (wire, _):
        for number in range(6):
            told(tenant, f"run:{number}")
        barrier = threading.Barrier(3)

        def courier_of_its_own() -> None:
            barrier.wait(10)
            try:
                while any(each.state == "waiting" for each in deliveries()):
                    deliver()
            finally:
                connections.close_all()

        threads = [threading.Thread(target=courier_of_its_own) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    ids = [each.headers["webhook-id"] for each in got(wire)]
    assert len(ids) == len(set(ids)) == 6
    assert set(most) == {1}
    assert all(each.state == "delivered" and each.attempts == 1 for each in deliveries())


def test_an_outcome_does_not_count_once_another_courier_has_taken_over(tenant: Tenant) -> None:
    with receiver(tenant), tenant_scope(tenant.pk):
        told(tenant)
        claim = claiming.claim_first(Way.WEBHOOK, timezone.now())
        assert claim is not None
        let_time_pass()
        assert deliver() == 1
        late = sending.Outcome(False, 1, error="too late")
        assert not courier.note(claim, late)
    assert [each.state for each in deliveries()] == ["delivered"]


def test_an_outcome_does_not_count_once_somebody_has_sent_it_again(tenant: Tenant) -> None:
    with receiver(tenant), tenant_scope(tenant.pk):
        told(tenant)
        claim = claiming.claim_first(Way.WEBHOOK, timezone.now())
        assert claim is not None
        let_time_pass()
        send_again(deliveries()[0])
        assert not courier.note(claim, sending.Outcome(False, 1, error="late", is_final=True))
        assert deliver() == 1
    assert [each.state for each in deliveries()] == ["delivered"]


def test_what_fails_is_tried_again_later_and_given_up_in_the_end(tenant: Tenant) -> None:
    with receiver(tenant, REFUSES) as (wire, _):
        told(tenant)
        for number in range(1, claiming.MOST_ATTEMPTS + 1):
            assert deliver() == 1
            row = deliveries()[0]
            assert (row.attempts, row.status) == (number, 500)
            if number < claiming.MOST_ATTEMPTS:
                wait = row.next_at - timezone.now()
                least = claiming.BACKOFF[number - 1]
                assert least * 0.95 < wait.total_seconds() < least * 1.25
                assert deliver() == 0
                let_time_pass(seconds=least * 1.25)
    assert row.state == Delivery.State.GIVEN_UP
    assert "it answered 500" in row.error
    assert len({each.headers["webhook-id"] for each in got(wire)}) == 1
    assert [each.answer for each in attempts()] == ["no"] * claiming.MOST_ATTEMPTS


@pytest.mark.django_db(transaction=True)
def test_a_tenant_whose_receivers_are_slow_does_not_hold_up_others(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "POLL_SECONDS", 0.05)
    theirs = new_tenant("theirs")
    reached, released, arrived, stop = (threading.Event() for _ in range(4))

    def slow(connection: socket.socket, request: bytes) -> None:
        reached.set()
        released.wait(20)
        connection.sendall(answer(b""))

    def quick(connection: socket.socket, request: bytes) -> None:
        connection.sendall(answer(b""))
        arrived.set()

    with receiver(tenant, slow) as (wire, _), receiver(theirs, quick):
        for number in range(len(courier.COURIERS)):
            endpoint(tenant, f"{wire.url}/{number}")
        told(tenant)
        threads = [
            threading.Thread(target=courier.run, args=(way, stop)) for way in courier.COURIERS
        ]
        for thread in threads:
            thread.start()
        try:
            assert reached.wait(10)
            told(theirs)
            assert arrived.wait(10)
            assert len(wire.requests) == 1
        finally:
            stop.set()
            released.set()
            for thread in threads:
                thread.join(10)


def test_tenants_take_turns_whoever_has_waited_longer(tenant: Tenant) -> None:
    theirs = new_tenant("theirs")
    with receiver(tenant), receiver(theirs):
        for each in (tenant, theirs):
            told(each, "run:before")
            deliver()
        for number in range(3):
            told(tenant, f"run:{number}")
        told(theirs)
        deliver()
    served = [each.tenant_id for each in attempts()]
    assert served[2:] == [tenant.pk, theirs.pk, tenant.pk, tenant.pk]


def test_a_fault_of_ours_is_logged_and_tried_again_like_any_failure(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: Any) -> sending.Outcome:
        raise ZeroDivisionError("nobody thought of it")

    with receiver(tenant) as (_, row):
        told(tenant)
        with monkeypatch.context() as patch, kept_lines() as lines:
            patch.setattr(courier, "post", faulty)
            assert deliver() == 1
        (delivery,) = deliveries()
        assert "a fault of ours" in delivery.error
        assert "nobody thought of it" in str(lines)
        assert (delivery.leased_until, fresh(row).failures) == (None, 0)
        wait = (delivery.next_at - timezone.now()).total_seconds()
        assert 0 < wait < claiming.BACKOFF[0] * 1.25
        let_time_pass()
        assert deliver() == 1
    assert deliveries()[0].state == "delivered"


def test_an_endpoint_that_fails_does_not_hold_up_others(tenant: Tenant) -> None:
    theirs = new_tenant("theirs")
    with receiver(tenant, REFUSES) as (bad, row), receiver(theirs) as (good, _):
        for number in range(4):
            told(tenant, f"run:{number}")
            told(theirs, f"run:{number}")
        deliver()
        deliver()
        assert len(good.requests) == 4
        assert len(bad.requests) == 2, "then it is left alone for a while"
        assert fresh(row).failures == 2


def test_an_endpoint_that_fails_for_three_days_is_switched_off(tenant: Tenant) -> None:
    with receiver(tenant, REFUSES) as (_, row):
        told(tenant)
        deliver()
        let_time_pass(days=4)
        told(tenant, "run:8")
        deliver()
    found = fresh(row)
    assert not found.is_active
    assert "failed for 3 days" in found.disabled_because
    assert deliveries()[0].notice.event != Event.WEBHOOK_DISABLED
    deliver()
    let_time_pass(days=2)
    deliver()
    assert {each.state for each in deliveries()} == {"given_up"}
    assert "switched off" in deliveries()[1].error


def test_410_switches_the_endpoint_off_at_once(tenant: Tenant) -> None:
    with receiver(tenant, always(answer(b"", "410 Gone"))) as (_, row):
        told(tenant)
        deliver()
    assert not fresh(row).is_active
    assert deliveries()[0].state == "given_up"


def test_a_success_ends_the_failing(tenant: Tenant) -> None:
    replies = iter([answer(b"", "503 Service Unavailable"), answer(b"")])

    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(next(replies))

    with receiver(tenant, script) as (_, row):
        told(tenant)
        deliver()
        assert fresh(row).failing_since is not None
        let_time_pass()
        deliver()
    found = fresh(row)
    assert (found.failures, found.failing_since, found.held_until) == (0, None, None)
    assert found.succeeded_at is not None


def test_what_was_given_up_can_be_sent_again_by_its_id(tenant: Tenant) -> None:
    with receiver(tenant, always(answer(b"", "410 Gone"))) as (wire, row):
        told(tenant)
        deliver()
        with tenant_scope(tenant.pk):
            set_active(fresh(row), True)
            send_again(deliveries()[0])
        assert deliver() == 1
    assert len({each.headers["webhook-id"] for each in got(wire)}) == 1
    assert [each.number for each in attempts()] == [1, 2]


def test_a_test_is_tried_once_also_where_the_webhook_is_off_and_changes_nothing(
    tenant: Tenant,
) -> None:
    with receiver(tenant, REFUSES) as (wire, row):
        with tenant_scope(tenant.pk):
            set_active(row, False)
            delivery = ping(row)
        told(tenant)
        assert deliver() == 1
    assert got(wire)[0].data["type"] == "ping"
    (found,) = deliveries()
    assert (found.pk, found.state, found.attempts) == (delivery.pk, "given_up", 1)
    assert fresh(row).failures == 0


def test_the_last_attempt_of_a_process_that_died_is_not_repeated_for_ever(
    tenant: Tenant,
) -> None:
    endpoint(tenant, "http://127.0.0.1:9/")
    told(tenant)
    with tenant_scope(tenant.pk):
        Delivery.objects.update(attempts=claiming.MOST_ATTEMPTS)
    assert deliver() == 0
    assert deliveries()[0].state == "given_up"
    assert "died" in deliveries()[0].error


@pytest.mark.django_db(transaction=True)
def test_a_courier_goes_on_when_the_database_is_back(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, deliver_next = threading.Event(), courier.deliver_next
    failures = iter([OperationalError("the database is away")])

    def failing_once(way: Way) -> sending.Outcome | None:
        for error in failures:
            raise error
        made = deliver_next(way)
        if made:
            stop.set()
        return made

    monkeypatch.setattr(courier, "deliver_next", failing_once)
    monkeypatch.setattr(courier, "FAULT_SECONDS", 0.01)
    monkeypatch.setattr(courier, "POLL_SECONDS", 0.01)
    with receiver(tenant) as (wire, _):
        told(tenant)
        thread = threading.Thread(target=courier.run, args=(Way.WEBHOOK, stop))
        thread.start()
        thread.join(10)
    assert len(wire.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_couriers_stop_when_they_are_told_to(tenant: Tenant) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=courier.run, args=(Way.WEBHOOK, stop))
    with receiver(tenant) as (wire, _):
        thread.start()
        told(tenant)
        deadline = threading.Event()
        for _ in range(500):
            if wire.requests:
                break
            deadline.wait(0.02)
        stop.set()
        WAKE.set()
        thread.join(10)
    assert not thread.is_alive()
    assert len(wire.requests) == 1
