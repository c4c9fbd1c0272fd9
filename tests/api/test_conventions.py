"""What holds for every operation of the API: errors, pages, fields, tags."""

from typing import Any, NoReturn

import pytest
from django.db import OperationalError
from rest_framework.test import APIClient

from tests.admin.world import World

pytestmark = pytest.mark.django_db


def test_whoever_is_nobody_gets_a_401_that_says_so() -> None:
    answer = APIClient().get("/api/v1/tenants/")
    assert answer.status_code in (401, 403)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "Authentication credentials were not provided."


def test_an_address_that_is_none_is_answered_by_problem_details(as_admin: APIClient) -> None:
    for path in ("/api/v1/nothing/", "/api/nothing", "/api/v1/tenants/%00/", "/api/v1/tenants/x/"):
        answer = as_admin.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert answer.json()["detail"] == "There is no such thing here."


def test_only_own_tenants_are_listed(as_admin: APIClient, theirs: World) -> None:
    answer = as_admin.get("/api/v1/tenants/").json()
    assert [each["slug"] for each in answer["results"]] == ["ours"]
    assert answer["next"] is None


def test_a_tenant_that_is_not_ones_own_is_as_one_that_is_not_there(
    as_admin: APIClient, theirs: World
) -> None:
    there = as_admin.get("/api/v1/me/", headers={"X-Tenant": "theirs"})
    not_there = as_admin.get("/api/v1/me/", headers={"X-Tenant": "nobodys"})
    assert there.status_code == not_there.status_code == 404
    assert {**there.json(), "trace_id": ""} == {**not_there.json(), "trace_id": ""}


def test_a_parameter_that_nothing_knows_is_refused(as_admin: APIClient) -> None:
    answer = as_admin.get("/api/v1/tenants/?tenant=2")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "tenant"


def test_some_fields_can_be_asked_for(as_admin: APIClient) -> None:
    assert as_admin.get("/api/v1/tenants/?fields=slug").json()["results"] == [{"slug": "ours"}]
    assert as_admin.get("/api/v1/tenants/?fields=password").status_code == 400


def test_what_the_reader_has_is_not_sent_again(as_admin: APIClient) -> None:
    first = as_admin.get("/api/v1/tenants/ours/")
    again = as_admin.get("/api/v1/tenants/ours/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_method_that_is_not_taken_is_refused_before_the_tenant_is_looked_at(
    as_admin: APIClient,
) -> None:
    answer = as_admin.put("/api/v1/tenants/", {}, headers={"X-Tenant": "nobodys"})
    assert answer.status_code == 405
    assert "GET" in answer["Allow"]


def test_a_browser_is_shown_a_page_that_leads_home_and_to_all_operations(
    as_admin: APIClient,
) -> None:
    page = as_admin.get("/api/v1/tenants/", headers={"Accept": "text/html"}).content.decode()
    assert 'href="/admin/"' in page
    assert 'href="/api/docs/"' in page
    assert "Django REST framework" not in page


def test_a_database_that_does_not_answer_is_told_with_when_to_ask_again(
    as_admin: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any) -> NoReturn:
        raise OperationalError("too many clients")

    monkeypatch.setattr("tenants.api.me.told_of", refuse)
    answer = as_admin.get("/api/v1/me/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["type"].endswith("#unavailable")
    assert "too many clients" not in answer.content.decode()
    assert "too many clients" in caplog.text
