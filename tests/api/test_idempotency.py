"""A request with a key is done once, whoever else asks at the same time and whatever dies."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import connection, connections
from django.utils import timezone
from rest_framework.test import APIClient

from mappings.models import WitMapping
from tenants.api import idempotency
from tenants.models import IdempotencyKey, Role
from tenants.scope import tenant_scope
from tests.api.mappings_world import Program

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one session that writes at a time"
)
BULK = "wit-mappings/bulk/"


@pytest.fixture
def program() -> Program:
    """A program of an editor."""
    return Program()


def asked(program: Program, key: str = "k", **members: Any) -> Any:
    """Add a rule, with a key."""
    client = APIClient()  # one of its own, as each thread has
    client.cookies = program.api.cookies
    try:
        rows = [program.type_rule(**members)]
        headers = {"Idempotency-Key": key}
        return client.post(f"/api/v1/{BULK}", rows, format="json", headers=headers)
    finally:
        if threading.current_thread() is not threading.main_thread():
            connections.close_all()


def replayed(answer: Any) -> bool:
    return bool(answer.get("Idempotency-Replayed") == "true")


def rules(program: Program) -> int:
    with tenant_scope(program.tenant.pk):
        return WitMapping.objects.filter(from_name="chore").count()


def test_of_several_at_once_one_is_done_and_the_others_get_its_answer(program: Program) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = [each.result() for each in [pool.submit(asked, program) for _ in range(4)]]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sorted(map(replayed, answers)) == [False, True, True, True]
    assert (rules(program), program.versions()) == (1, [1, 2])


def test_a_key_is_of_one_request_only(program: Program) -> None:
    assert asked(program).status_code == 200
    for answer in (
        asked(program, target="Another"),
        program.ask("post", "wit-hierarchies/bulk/", [], **{"Idempotency-Key": "k"}),
    ):
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("#key-reused")
    assert program.versions() == [1, 2]


def test_a_key_is_of_one_person_only(program: Program) -> None:
    assert asked(program).status_code == 200
    rows = [program.type_rule(from_name="Other")]
    answer = program.other(Role.ADMIN).post(
        f"/api/v1/{BULK}", rows, format="json", headers={"Idempotency-Key": "k"}
    )
    assert (answer.status_code, replayed(answer)) == (200, False)


def test_what_failed_may_be_asked_again_with_its_key(program: Program) -> None:
    assert asked(program, hierarchy=987_654_321).status_code == 400
    assert asked(program).status_code == 200


def test_a_key_is_forgotten_after_a_day(program: Program) -> None:
    assert asked(program).status_code == 200
    with tenant_scope(program.tenant.pk):
        IdempotencyKey.objects.update(created_at=timezone.now() - idempotency.KEPT)
    answer = asked(program, from_name="Other")
    assert (answer.status_code, replayed(answer)) == (200, False)


@contextmanager
def session(statement: str, *values: object) -> Iterator[Callable[[], None]]:
    """Another session that stands in the middle of a transaction. Give what ends it."""
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute(statement, values)
        yield other.close
    finally:
        other.close()


def waiting(count: int) -> None:
    """Wait until so many sessions wait for a lock."""
    deadline = time.monotonic() + 20
    found = -1
    while found < count:
        assert time.monotonic() < deadline, f"{found} sessions wait"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            (found,) = cursor.fetchone()


def half_done(program: Program) -> Any:
    """A session that has taken the key, and done nothing yet."""
    return session(
        "INSERT INTO idempotency_keys (tenant_id, user_id, key, request_digest, created_at) "
        "SELECT %s, id, 'k', 'x', now() FROM auth_user WHERE username = %s",
        program.tenant.pk,
        f"{program.tenant.slug}-editor",
    )


@SESSIONS
def test_the_second_waits_while_the_first_is_done(program: Program) -> None:
    with ThreadPoolExecutor(2) as pool, session("LOCK TABLE wit_mappings IN EXCLUSIVE MODE") as end:
        first: Future[Any] = pool.submit(asked, program)
        waiting(1)
        second: Future[Any] = pool.submit(asked, program)
        waiting(2)
        assert not first.done()
        assert not second.done()
        end()
    assert [replayed(each.result()) for each in (first, second)] == [False, True]
    assert first.result().json() == second.result().json()
    assert rules(program) == 1


@SESSIONS
def test_what_dies_half_done_leaves_the_key_to_the_next(program: Program) -> None:
    with ThreadPoolExecutor(1) as pool, half_done(program) as end:
        answer: Future[Any] = pool.submit(asked, program)
        waiting(1)
        end()
    assert (answer.result().status_code, replayed(answer.result())) == (200, False)
    assert rules(program) == 1


@SESSIONS
def test_what_hangs_half_done_is_not_waited_for_for_ever(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.2)
    with half_done(program):
        answer = asked(program)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("#in-progress")
    assert answer["Retry-After"] == "1"
    assert asked(program).status_code == 200
    assert rules(program) == 1
