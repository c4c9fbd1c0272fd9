"""Tenants over the API: what administrators change, and what operators do."""

import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image
from rest_framework.test import APIClient

from common import sizes
from mappings.models import WitHierarchy, Workflow
from tenants.models import Membership, Role, Tenant, TenantLogo
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.test_tokens import made

pytestmark = pytest.mark.django_db
TENANTS = "/api/v1/tenants/"
OURS = f"{TENANTS}ours/"
THEIRS = f"{TENANTS}theirs/"
NEW = {"slug": "acme", "name": "Acme", "time_zone": "Europe/Berlin"}


@pytest.fixture
def operator(db: None) -> APIClient:
    """A program in which an operator is signed in."""
    client = APIClient()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (600, 300), (10, 90, 200)).save(out, "JPEG", comment=b"secret words")
    return out.getvalue()


# What administrators change


def test_an_administrator_changes_name_and_time_zone(ours: World) -> None:
    client = client_of(ours, "admin")
    before = client.get(OURS).json()
    given = {"name": "Acme 🚀 غير", "time_zone": "asia/tokyo"}
    answer = client.patch(OURS, given)
    assert answer.json() == before | given | {"time_zone": "Asia/Tokyo"}
    assert client.get(OURS).json() == answer.json()
    assert LogEntry.objects.get().get_change_message() == "Changed name and time_zone."


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_others_only_read(ours: World, role: str) -> None:
    client = client_of(ours, role)
    assert client.get(OURS).status_code == 200
    for answer in (
        client.patch(OURS, {"name": "x"}),
        client.put(f"{OURS}logo/", picture(), content_type="image/jpeg"),
        client.delete(f"{OURS}logo/"),
        client.post(f"{OURS}deactivate/"),
        client.post(TENANTS, NEW),
    ):
        assert answer.status_code == 403
    ours.tenant.refresh_from_db()
    assert ours.tenant.name == "canaryours Ltd"


def test_the_role_in_the_tenant_of_the_address_decides(ours: World, theirs: World) -> None:
    """Not that in the tenant of the header or the preferences."""
    user = ours.members["admin"]
    with tenant_scope(theirs.tenant.pk):
        Membership.objects.create(tenant=theirs.tenant, user=user, role=Role.VIEWER)
    client = client_of(ours, "admin")
    for slug in ("ours", "theirs"):
        headers = {"X-Tenant": slug}
        assert client.patch(OURS, {"name": "New"}, headers=headers).status_code == 200
        assert client.patch(THEIRS, {"name": "New"}, headers=headers).status_code == 403
    theirs.tenant.refresh_from_db()
    assert theirs.tenant.name == "canarytheirs Ltd"


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_a_tenant_of_others_is_like_none(ours: World, theirs: World, role: str) -> None:
    client = client_of(ours, role)
    for path in (THEIRS, f"{TENANTS}nobodys/"):
        for answer in (
            client.get(path),
            client.patch(path, {"name": "x"}),
            client.get(f"{path}logo/"),
            client.put(f"{path}logo/", picture(), content_type="image/jpeg"),
            client.delete(f"{path}logo/"),
        ):
            assert answer.status_code == 404
    assert [row["slug"] for row in client.get(TENANTS).json()["results"]] == ["ours"]


@pytest.mark.parametrize(
    ("changed", "status", "pointer"),
    [
        ({"name": ""}, 400, "/name"),
        ({"name": "x" * 201}, 400, "/name"),
        ({"time_zone": "Berlin"}, 400, "/time_zone"),
        ({"time_zone": ""}, 400, "/time_zone"),
        ({"slug": "other"}, 400, "/slug"),
        ({"is_active": False}, 400, "/is_active"),
        ({"tier": "enterprise"}, 403, None),
    ],
)
def test_what_an_administrator_cannot_change_is_refused(
    ours: World, changed: dict[str, Any], status: int, pointer: str | None
) -> None:
    before = Tenant.objects.filter(pk=ours.tenant.pk).values().get()
    answer = client_of(ours, "admin").patch(OURS, changed)
    assert answer.status_code == status
    assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer
    assert Tenant.objects.filter(pk=ours.tenant.pk).values().get() == before


def test_a_tenant_that_was_changed_meanwhile_is_not_overwritten(ours: World) -> None:
    client = client_of(ours, "admin")
    known = client.get(OURS)["ETag"]
    assert client.patch(OURS, {"name": "First"}).status_code == 200
    late = client.patch(OURS, {"name": "Second"}, headers={"If-Match": known})
    assert late.status_code == 412
    again = client.patch(OURS, {"name": "Second"}, headers={"If-Match": late["ETag"]})
    assert again.json()["name"] == "Second"


@pytest.mark.parametrize(("scopes", "status"), [(("read",), 403), (("read", "edit_tenant"), 200)])
def test_a_program_changes_it_if_its_token_has_the_scope(
    ours: World, scopes: tuple[str, ...], status: int
) -> None:
    _, program = made(ours, "admin", *scopes)
    assert program.patch(OURS, {"name": "New"}).status_code == status


# Logo


def test_a_logo_is_drawn_anew_shown_to_members_and_removed(ours: World, theirs: World) -> None:
    client = client_of(ours, "admin")
    assert client.get(f"{OURS}logo/").status_code == 404
    answer = client.put(f"{OURS}logo/", picture(), content_type="image/jpeg")
    assert answer.status_code == 204
    assert client.get(OURS).json()["has_logo"] is True
    shown = client_of(ours, "viewer").get(f"{OURS}logo/")
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert Image.open(io.BytesIO(shown.content)).size == (256, 128)
    assert b"secret words" not in shown.content
    assert client_of(theirs, "admin").get(f"{OURS}logo/").status_code == 404
    assert client.delete(f"{OURS}logo/").status_code == 204
    assert client.get(OURS).json()["has_logo"] is False
    with tenant_scope(ours.tenant.pk):
        assert not TenantLogo.objects.exclude(pk=ours.row(TenantLogo).pk).exists()


def test_a_logo_may_be_the_part_of_a_form(ours: World) -> None:
    form = encode_multipart(BOUNDARY, {"logo": SimpleUploadedFile("x.svg", picture())})
    answer = client_of(ours, "admin").put(f"{OURS}logo/", form, content_type=MULTIPART_CONTENT)
    assert answer.status_code == 204


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png", 400),
        (b"", "image/png", 400),
        (b"x" * (sizes.PICTURE + 1), "image/png", 400),
        (b"{}", "application/json", 415),
    ],
)
def test_what_is_no_picture_is_refused(ours: World, data: bytes, kind: str, status: int) -> None:
    answer = client_of(ours, "admin").put(f"{OURS}logo/", data, content_type=kind)
    assert answer.status_code == status
    ours.tenant.refresh_from_db()
    assert ours.tenant.logo_digest == ""


# What operators do


def test_an_operator_makes_a_tenant_with_what_it_begins_with(operator: APIClient) -> None:
    answer = operator.post(TENANTS, NEW)
    assert answer.status_code == 201, answer.content
    assert answer.json() | NEW == answer.json()
    tenant = Tenant.objects.get(slug="acme")
    with tenant_scope(tenant.pk):
        assert WitHierarchy.objects.count() == 6
        assert Workflow.objects.count() == 1
    invited = operator.post(
        "/api/v1/invitations/", {"name": "Ada", "role": "admin"}, headers={"X-Tenant": "acme"}
    )
    assert invited.status_code == 201


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"slug": "ours"}, "/slug"),
        ({"slug": "no good"}, "/slug"),
        ({"slug": ""}, "/slug"),
        ({"slug": 7}, "/slug"),
        ({"name": ""}, "/name"),
        ({"tier": "gold"}, "/tier"),
        ({"time_zone": "Berlin"}, "/time_zone"),
    ],
)
def test_what_is_no_tenant_is_refused_with_its_place(
    ours: World, operator: APIClient, changed: dict[str, Any], pointer: str
) -> None:
    answer = operator.post(TENANTS, {**NEW, **changed})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert Tenant.objects.count() == 1


def test_an_operator_sets_the_tier(ours: World, operator: APIClient) -> None:
    assert operator.patch(OURS, {"tier": "premium"}).json()["tier"] == "premium"


def test_a_deactivated_tenant_lets_no_member_in_until_it_is_active_again(
    ours: World, operator: APIClient
) -> None:
    _, program = made(ours, "admin", "read")
    client = client_of(ours, "viewer")
    assert operator.post(f"{OURS}deactivate/").json()["is_active"] is False
    assert client.get("/api/v1/members/").status_code == 403
    assert program.get("/api/v1/me/").status_code == 401
    rows = operator.get(TENANTS, {"is_active": "false"}).json()["results"]
    assert [row["slug"] for row in rows] == ["ours"]
    assert operator.post(f"{OURS}activate/").json()["is_active"] is True
    assert client.get("/api/v1/members/").status_code == 200
    assert program.get("/api/v1/me/").status_code == 200


def test_a_token_of_an_operator_neither_makes_nor_ends_tenants(ours: World) -> None:
    ours.members["operator"] = User.objects.create_superuser("operator")
    _, program = made(ours, "operator", "read", "operate")
    for path in (TENANTS, f"{OURS}deactivate/", f"{OURS}activate/"):
        answer = program.post(path, NEW)
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("#people-only")
    assert Tenant.objects.count() == 1
