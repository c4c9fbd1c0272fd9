"""Each request has an id that its answer and its log line tell."""

import logging
import re
from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from common.tracing import current_trace
from etl_project.requests import TraceMiddleware
from jobs import runs
from jobs.models import JobRun
from tenants.scope import every_tenant
from tests.jobs.conftest import make_run
from tests.statements import sent

GIVEN = "4711-from-the-proxy"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The lines that are logged about requests."""
    with caplog.at_level(logging.INFO, "etl_project.requests"):
        yield caplog


@pytest.mark.django_db
def test_a_sane_id_is_taken_over_and_answered(
    client: Client, said: pytest.LogCaptureFixture
) -> None:
    answer = client.get("/admin/login/?token=secret", headers={"x-request-id": GIVEN})
    assert answer["X-Request-ID"] == GIVEN
    (line,) = [record.getMessage() for record in said.records]
    assert re.fullmatch(r"GET /admin/login/ 200 in \d+ ms", line)


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["short", "a" * 40, "x\x1b[31mred-and-long"])
def test_another_id_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/admin/login/", headers={"x-request-id": given})
    assert re.fullmatch("[0-9a-f]{16}", answer["X-Request-ID"])


def test_probes_are_not_logged(client: Client, said: pytest.LogCaptureFixture) -> None:
    assert client.get("/healthz").status_code == 200
    assert not said.records


@pytest.mark.django_db(transaction=True)
def test_the_id_is_there_behind_the_event_loop_too() -> None:
    async def ask() -> str:
        answer = await AsyncClient().get("/admin/login/", headers={"x-request-id": GIVEN})
        return str(answer["X-Request-ID"])

    assert async_to_sync(ask)() == GIVEN


@pytest.mark.django_db
def test_a_run_that_a_request_starts_keeps_its_id_and_so_does_the_sql() -> None:
    integration = make_run().integration
    with every_tenant("test"):
        JobRun.objects.update(state="completed")

    def view(request: HttpRequest) -> HttpResponse:
        with every_tenant("test"):
            run = runs.start(integration, JobRun.Trigger.MANUAL, JobRun.Mode.FULL)
        assert run.trace_id == current_trace()
        return HttpResponse(run.trace_id)

    with sent() as found:
        request = RequestFactory().post("/start", headers={"x-request-id": GIVEN})
        assert TraceMiddleware(view)(request).content.decode() == GIVEN
    statements = [sql for sql in found if "etl_job_runs" in sql]
    assert statements
    assert all(sql.startswith(f"/* trace={GIVEN} */ ") for sql in statements)
