"""Integrations over the API: what the admin does, by the same services and with the same walls."""

import io
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image
from rest_framework.test import APIClient

from integrations.credentials import open_site, store_credentials
from integrations.models import Integration, Logo
from mappings.models import WitMapping
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db

SECRET = "a-secret-token-of-ours"
URL = "https://jira.example.com"
LIST = "/api/v1/integrations/"


@pytest.fixture
def jira(ours: World) -> Integration:
    """A connected Jira of ours."""
    with tenant_scope(ours.tenant.pk):
        row: Integration = Integration.objects.create(
            tenant=ours.tenant, name="jira", provider="jira", base_url=URL
        )
        store_credentials(row, "basic", {"user": "a@example.com", "token": SECRET})
    return row


def at(row: Integration, *parts: str) -> str:
    return f"{LIST}{row.pk}/" + "".join(f"{part}/" for part in parts)


def fresh(row: Integration) -> Integration:
    with tenant_scope(row.tenant_id):
        found: Integration = Integration.objects.get(pk=row.pk)
        return found


def given(**changed: Any) -> dict[str, Any]:
    return {
        "provider": "jira",
        "name": "new-jira",
        "base_url": URL,
        "method": "basic",
        "credentials": {"user": "a@example.com", "token": SECRET},
        "settings": {"projects": ["PAY", "OPS"], "page_size": 50},
        **changed,
    }


# ---- reading


def test_credentials_are_told_by_name_and_never_shown(
    as_admin: APIClient, jira: Integration
) -> None:
    answer = as_admin.get(at(jira))
    assert answer.json()["credentials"] == {
        "method": "basic",
        "given": {"user": True, "token": True},
    }
    for path in (at(jira), LIST):
        assert SECRET not in as_admin.get(path).content.decode()
        assert jira.credentials not in as_admin.get(path).content.decode()


def test_integrations_are_filtered(as_admin: APIClient, jira: Integration) -> None:
    def names(query: str) -> list[str]:
        found = as_admin.get(f"{LIST}?{query}").json()["results"]
        return [each["name"] for each in found]

    assert names("provider=jira") == ["jira"]
    assert names("name=jira&is_active=true") == ["jira"]
    assert "jira" not in names("is_active=false")
    assert "jira" in names("health=not_tested")
    assert names("health=works") == []
    assert as_admin.get(f"{LIST}?health=fine").status_code == 400


def test_a_list_takes_as_many_queries_for_twenty_as_for_two(
    as_admin: APIClient, ours: World
) -> None:
    counts = []
    for count in (2, 18):
        for _ in range(count):
            ours.add(Integration)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert as_admin.get(LIST).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


# ---- making


def test_a_source_is_connected_as_in_the_admin(as_admin: APIClient, ours: World) -> None:
    answer = as_admin.post(LIST, given(starter_mappings=True))
    assert answer.status_code == 201, answer.content
    assert answer.json()["settings"] == {"projects": "PAY,OPS", "page_size": 50}
    with tenant_scope(ours.tenant.pk):
        row = Integration.objects.get(pk=answer.json()["id"])
        assert SECRET not in row.credentials
        assert open_site(row) is not None
        assert WitMapping.objects.filter(integration=row).exists() or WitMapping.objects.exists()
    assert LogEntry.objects.filter(object_id=str(row.pk)).count() == 1


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"name": "Not A Slug"}, "/name"),
        ({"provider": "nothing"}, "/provider"),
        ({"base_url": "ftp://jira.example.com"}, "/base_url"),
        ({"base_url": ""}, "/base_url"),
        ({"method": "nothing"}, "/method"),
        ({"credentials": {"user": "a"}}, "/credentials"),
        ({"credentials": {"user": "a", "token": "b", "more": "c"}}, "/credentials"),
        ({"settings": {"nothing": 1}}, "/settings"),
        ({"settings": {"page_size": "many"}}, "/settings/page_size"),
        ({"settings": {"page_size": 1}}, "/settings/page_size"),
        ({"settings": {"sprints": "yes"}}, "/settings/sprints"),
        ({"settings": {"jql": "a ORDER BY b"}}, "/settings/jql"),
        ({"settings": {"gateway_url": "nowhere"}}, "/settings/gateway_url"),
        ({"tenant": 1}, "/tenant"),
        ({"is_active": False}, "/is_active"),
    ],
)
def test_what_will_not_do_is_refused_with_its_place(
    as_admin: APIClient, ours: World, changed: dict[str, Any], pointer: str
) -> None:
    answer = as_admin.post(LIST, given(**changed))
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert SECRET not in answer.content.decode()
    with tenant_scope(ours.tenant.pk):
        assert not Integration.objects.filter(name="new-jira").exists()


def test_a_name_that_is_taken_is_refused_and_changes_nothing(
    as_admin: APIClient, jira: Integration
) -> None:
    answer = as_admin.post(LIST, given(name="jira", base_url="https://other.example.com"))
    assert answer.status_code == 400
    assert fresh(jira).base_url == URL


def test_an_integration_that_imports_feed_needs_no_credentials(as_admin: APIClient) -> None:
    body = {"provider": "jira", "name": "imported", "method": "none"}
    answer = as_admin.post(LIST, body)
    assert answer.status_code == 201, answer.content
    assert answer.json()["credentials"] == {"method": "", "given": {}}


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_an_administrator_connects_changes_and_tests(
    role: str, ours: World, jira: Integration
) -> None:
    client = client_of(ours, role)
    assert client.get(at(jira)).status_code == 200
    assert client.post(LIST, given()).status_code == 403
    assert client.patch(at(jira), {}).status_code == 403
    assert client.delete(at(jira)).status_code == 403
    for name in ("test", "discover", "activate", "deactivate"):
        assert client.post(at(jira, name), {}).status_code == 403
    assert client.put(at(jira, "logo"), b"x", content_type="image/png").status_code == 403


# ---- changing


def test_what_is_not_given_stays_and_null_is_the_default(
    as_admin: APIClient, jira: Integration
) -> None:
    as_admin.patch(at(jira), {"settings": {"page_size": 20, "sprints": False}})
    answer = as_admin.patch(at(jira), {"settings": {"page_size": None}})
    assert answer.json()["settings"] == {"sprints": False}
    assert answer.json()["credentials"]["given"] == {"user": True, "token": True}
    with tenant_scope(jira.tenant_id):
        assert open_site(fresh(jira)) is not None


def test_another_address_demands_the_credentials_again(
    as_admin: APIClient, jira: Integration
) -> None:
    body: dict[str, Any] = {"base_url": "https://attacker.example.com"}
    answer = as_admin.patch(at(jira), body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/base_url"
    moved = as_admin.patch(at(jira), {"settings": {"gateway_url": "https://attacker.example.com"}})
    assert moved.json()["errors"][0]["pointer"] == "/settings/gateway_url"
    assert fresh(jira).base_url == URL
    assert as_admin.post(at(jira, "test"), body).status_code == 400
    assert as_admin.post(at(jira, "discover"), {**body, "picks": "projects"}).status_code == 400
    credentials = {"user": "a@example.com", "token": "another-token"}
    answer = as_admin.patch(at(jira), {**body, "credentials": credentials})
    assert answer.status_code == 200
    assert fresh(jira).base_url == "https://attacker.example.com"


def test_a_lost_update_is_refused(as_admin: APIClient, jira: Integration) -> None:
    seen = as_admin.get(at(jira))["ETag"]
    first = as_admin.patch(at(jira), {"settings": {"page_size": 20}}, headers={"If-Match": seen})
    assert first.status_code == 200
    for answer in (
        as_admin.patch(at(jira), {"settings": {"page_size": 30}}, headers={"If-Match": seen}),
        as_admin.delete(at(jira), headers={"If-Match": seen}),
        as_admin.post(at(jira, "deactivate"), headers={"If-Match": seen}),
    ):
        assert answer.status_code == 412
    assert fresh(jira).settings["page_size"] == 20
    again = as_admin.patch(
        at(jira), {"settings": {"page_size": 30}}, headers={"If-Match": first["ETag"]}
    )
    assert again.status_code == 200


def test_what_a_run_notes_meanwhile_refuses_no_edit(as_admin: APIClient, jira: Integration) -> None:
    seen = as_admin.get(at(jira))["ETag"]
    with tenant_scope(jira.tenant_id):
        Integration.objects.filter(pk=jira.pk).update(is_healthy=False, health_message="401")
    reader = as_admin.get(at(jira), headers={"If-None-Match": seen})
    assert (reader.status_code, reader.json()["health_message"]) == (200, "401")
    settings = {"settings": {"page_size": 20}}
    assert as_admin.patch(at(jira), settings, headers={"If-Match": seen}).status_code == 200
    few = as_admin.get(f"{at(jira)}?fields=id,name")
    assert few.json() == {"id": jira.pk, "name": jira.name}


def test_it_is_activated_and_deactivated(as_admin: APIClient, jira: Integration) -> None:
    assert as_admin.post(at(jira, "deactivate")).json()["is_active"] is False
    assert as_admin.post(at(jira, "deactivate")).status_code == 200
    assert as_admin.post(at(jira, "activate")).json()["is_active"] is True
    assert LogEntry.objects.filter(object_id=str(jira.pk)).count() == 2


# ---- removing


def test_one_that_was_never_used_can_be_removed(as_admin: APIClient, jira: Integration) -> None:
    assert as_admin.delete(at(jira)).status_code == 204
    assert as_admin.get(at(jira)).status_code == 404


def test_one_that_something_depends_on_is_kept_and_says_what(
    as_admin: APIClient, ours: World
) -> None:
    row = ours.row(Integration)
    answer = as_admin.delete(at(row))
    assert answer.status_code == 409
    assert "run" in answer.json()["detail"]
    assert "deactivate it instead" in answer.json()["detail"]
    assert fresh(row)


# ---- looking at the source


def test_a_test_of_a_closed_address_says_so_and_is_kept_as_health(
    as_admin: APIClient, jira: Integration
) -> None:
    with tenant_scope(jira.tenant_id):
        jira.base_url = "http://127.0.0.1:9"
        jira.save()
    answer = as_admin.post(at(jira, "test"))
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["is_ok"], told["is_saved"]) == (False, True)
    assert fresh(jira).is_healthy is False
    assert SECRET not in answer.content.decode()


@pytest.fixture
def loopback_allowed(settings: Any) -> None:
    """Let integrations reach this machine, where nothing listens."""
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = (ip_network("127.0.0.0/8"),)


@pytest.mark.usefixtures("loopback_allowed")
def test_a_trial_is_not_kept(as_admin: APIClient, jira: Integration) -> None:
    body = {
        "base_url": "http://127.0.0.1:9",
        "credentials": {"user": "a@example.com", "token": "another"},
    }
    told = as_admin.post(at(jira, "test"), body).json()
    assert (told["is_ok"], told["is_saved"]) == (False, False)
    assert (fresh(jira).base_url, fresh(jira).is_healthy) == (URL, None)
    answer = as_admin.post("/api/v1/providers/jira/test/", body)
    assert (answer.status_code, answer.json()["is_ok"]) == (200, False)


@pytest.mark.usefixtures("loopback_allowed")
def test_a_source_that_does_not_answer_is_no_error_of_ours(
    as_admin: APIClient, jira: Integration
) -> None:
    body = {
        "picks": "projects",
        "base_url": "http://127.0.0.1:9",
        "credentials": {"user": "a@example.com", "token": "another"},
    }
    for path in (at(jira, "discover"), "/api/v1/providers/jira/discover/"):
        answer = as_admin.post(path, body)
        assert answer.status_code == 409
    assert as_admin.post(at(jira, "discover"), {"picks": "nothing"}).status_code == 400


# ---- logo


def picture(form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(("form", "type_"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")])
def test_a_logo_is_drawn_anew(
    as_admin: APIClient, jira: Integration, form: str, type_: str
) -> None:
    path = at(jira, "logo")
    assert as_admin.get(path).status_code == 404
    sent = picture(form)
    assert as_admin.put(path, sent, content_type=f"image/{type_}").status_code == 204
    answer = as_admin.get(path, headers={"Accept": "image/png"})
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(answer.content)).size == (128, 85)
    assert answer.content != sent
    assert as_admin.get(at(jira)).json()["has_logo"] is True
    assert as_admin.delete(path).status_code == 204
    with tenant_scope(jira.tenant_id):
        assert not Logo.objects.filter(integration=jira).exists()


def test_a_logo_may_come_in_a_form(as_admin: APIClient, jira: Integration) -> None:
    file = io.BytesIO(picture())
    file.name = "../../logo.svg"
    assert as_admin.put(at(jira, "logo"), {"logo": file}, format="multipart").status_code == 204


@pytest.mark.parametrize(
    ("body", "type_", "status"),
    [
        (b"<svg/>", "image/svg+xml", 400),
        (b"", "image/png", 400),
        (b"x" * (2 * 1024 * 1024 + 2), "image/png", 400),
        (b"{}", "application/json", 415),
    ],
)
def test_what_is_no_picture_is_refused(
    as_admin: APIClient, jira: Integration, body: bytes, type_: str, status: int
) -> None:
    answer = as_admin.put(at(jira, "logo"), body, content_type=type_)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
