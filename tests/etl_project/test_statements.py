"""Every statement tells its trace, whichever way it is sent; slow ones are logged."""

import logging
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from common import tracing
from tenants.models import Tenant
from tests.statements import sent
from warehouse import stage_tables
from warehouse.tables import TABLES

pytestmark = pytest.mark.django_db

COMMENT = "/* trace=trace-of-tests step=7 */ "


def test_statements_of_the_orm_and_by_hand_begin_with_the_trace() -> None:
    with sent() as statements, tracing.bind("trace-of-tests", step=7):
        tenant = Tenant.objects.create(slug="acme", name="100 % acme")
        Tenant.objects.filter(name__contains="0 % a").update(name="%s")
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM tenants WHERE id = %s", [tenant.pk])
            assert cursor.fetchone() == ("%s",)
            cursor.executemany("UPDATE tenants SET name = %s WHERE id = %s", [("a", tenant.pk)])
            assert cursor.rowcount == 1
    assert len(statements) == 4
    assert not [sql for sql in statements if not sql.startswith(COMMENT)]


def test_nothing_is_added_where_no_trace_is_bound() -> None:
    with sent() as statements:
        Tenant.objects.aggregate(Sum("id"))
    assert statements[0].startswith("SELECT")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs pg_stat_activity")
def test_the_server_shows_the_trace_of_what_it_does() -> None:
    seen: list[str] = []
    with tracing.bind("trace-of-tests", step=7), connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        seen += cursor.fetchone()
    assert seen[0].startswith(COMMENT)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="COPY is PostgreSQL's")
def test_copy_tells_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    class Cursor:
        def copy_expert(self, sql: str, file: Any) -> None:
            copied.append(sql)

        def __enter__(self) -> "Cursor":
            return self

        def __exit__(self, *exc_info: object) -> None:
            """Nothing to close."""

    monkeypatch.setattr(connection, "cursor", Cursor)
    with tracing.bind("trace-of-tests", step=7):
        stage_tables.fill(TABLES[0], [b""])
    assert copied[0].startswith(f"{COMMENT}COPY ")


def test_a_slow_query_is_logged_without_its_values(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SLOW_SQL_SECONDS = 0.0
    with caplog.at_level(logging.INFO, "etl_project.statements"):
        assert not Tenant.objects.filter(name="secret value").exists()
    (line,) = [r.getMessage() for r in caplog.records if r.name == "etl_project.statements"]
    assert line.startswith("a query took 0.0 s: SELECT ")
    assert "secret value" not in line
