"""Pages of integrations show nothing of another tenant, and do nothing for who may not."""

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from integrations import logos
from integrations.models import Integration, Logo
from jobs.models import JobRun
from tenants.scope import every_tenant, tenant_scope
from tests.admin.test_isolation import MISSING, seen
from tests.admin.world import World

pytestmark = pytest.mark.django_db

NAMED = "admin:integrations_integration"
PAGES = [
    ("get", f"{NAMED}_logo"),
    ("post", f"{NAMED}_logo"),
    ("get", f"{NAMED}_active"),
    ("post", f"{NAMED}_active"),
    ("post", f"{NAMED}_test"),
    ("post", f"{NAMED}_discover"),
    ("post", "admin:jobs_run_now"),
]


def picture(**more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (600, 300), "teal").save(out, "PNG", **more)
    return out.getvalue()


def everything() -> list[Any]:
    with every_tenant("the test compares whole tables"):
        return [
            list(model._default_manager.order_by("pk").values())
            for model in (Integration, Logo, JobRun)
        ]


@pytest.mark.parametrize(("method", "page"), PAGES)
@pytest.mark.parametrize("role", ["admin", "editor", "viewer"])
def test_a_foreign_integration_is_answered_like_a_missing_one(
    method: str, page: str, role: str, ours: World, theirs: World
) -> None:
    client = Client()
    client.force_login(ours.members[role])
    key = theirs.row(Integration).pk
    with tenant_scope(theirs.tenant.pk):
        logos.keep_logo(theirs.row(Integration), picture())
    before = everything()
    foreign = getattr(client, method)(reverse(page, args=(key,)), {"active": "no"})
    missing = getattr(client, method)(reverse(page, args=(MISSING,)), {"active": "no"})
    assert seen(foreign, key) == seen(missing, MISSING)
    assert foreign.status_code == 404
    assert everything() == before


def test_a_foreign_run_is_not_cancelled_and_answered_like_none(
    ours: World, theirs: World, as_admin: Client
) -> None:
    key = theirs.row(JobRun).pk
    foreign = as_admin.post(reverse("admin:jobs_run_cancel", args=(key,)))
    missing = as_admin.post(reverse("admin:jobs_run_cancel", args=(MISSING,)))
    assert seen(foreign, key) == seen(missing, MISSING)
    assert foreign.status_code == 404


@pytest.mark.parametrize(("method", "page"), [each for each in PAGES if each[0] == "post"])
@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_who_may_not_edit_may_neither_test_nor_discover_nor_change(
    method: str, page: str, role: str, ours: World
) -> None:
    client = Client()
    client.force_login(ours.members[role])
    before = everything()
    key = ours.row(Integration).pk
    answer = client.post(reverse(page, args=(key,)), {"active": "no", "remove": "yes"})
    may = role == "editor" and page == "admin:jobs_run_now"
    assert answer.status_code == (302 if may else 403)
    assert everything() == before


@pytest.mark.parametrize("page", ["test", "discover"])
@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_nor_by_a_form_of_a_new_one(page: str, role: str, ours: World) -> None:
    client = Client()
    client.force_login(ours.members[role])
    answer = client.post(reverse(f"{NAMED}_{page}_new"), {"provider": "jira"})
    assert answer.status_code == 403


@pytest.mark.parametrize("page", [f"{NAMED}_test", f"{NAMED}_discover", "admin:jobs_run_now"])
def test_a_link_starts_nothing(page: str, ours: World, as_admin: Client) -> None:
    before = everything()
    assert as_admin.get(reverse(page, args=(ours.row(Integration).pk,))).status_code == 405
    assert everything() == before


def test_nothing_is_done_for_a_post_from_elsewhere(ours: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ours.members["admin"])
    before = everything()
    for method, page in PAGES:
        if method == "post":
            answer = client.post(reverse(page, args=(ours.row(Integration).pk,)), {"active": "no"})
            assert answer.status_code == 403, page
    assert everything() == before


# ---- logos


def uploaded(client: Client, row: Integration, data: bytes) -> str:
    given = io.BytesIO(data)
    given.name = "logo.png"
    address = reverse(f"{NAMED}_logo", args=(row.pk,))
    return str(client.post(address, {"logo": given}, follow=True).content.decode())


def test_an_uploaded_logo_is_served_small_and_as_a_picture_only(
    ours: World, as_admin: Client
) -> None:
    row = ours.row(Integration)
    assert "The logo is saved" in uploaded(as_admin, row, picture())
    for role in ("admin", "viewer"):
        client = Client()
        client.force_login(ours.members[role])
        answer = client.get(reverse(f"{NAMED}_logo", args=(row.pk,)))
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "private" in answer.headers["Cache-Control"]
        assert max(Image.open(io.BytesIO(answer.content)).size) == logos.LONGEST
    listed = as_admin.get(reverse(f"{NAMED}_changelist")).content.decode()
    assert f"{reverse(f'{NAMED}_logo', args=(row.pk,))}?" in listed


def test_what_is_no_picture_is_refused_and_the_logo_stays(ours: World, as_admin: Client) -> None:
    row = ours.row(Integration)
    uploaded(as_admin, row, picture())
    before = everything()
    hostile = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    assert "no picture that can be read" in uploaded(as_admin, row, hostile)
    assert "at most 2 MB" in uploaded(as_admin, row, b"\x89PNG" + bytes(3 * 1024 * 1024))
    assert everything() == before


def test_a_removed_logo_gives_way_to_the_initial(ours: World, as_admin: Client) -> None:
    row = ours.row(Integration)
    uploaded(as_admin, row, picture())
    address = reverse(f"{NAMED}_logo", args=(row.pk,))
    assert (
        "The logo is removed"
        in as_admin.post(address, {"remove": "yes"}, follow=True).content.decode()
    )
    assert as_admin.get(address).status_code == 404


def test_without_any_integration_the_list_says_what_to_do(ours: World) -> None:
    with every_tenant("the test empties the tenant"):
        for model in (JobRun, Integration):
            model.objects.filter(tenant=ours.tenant).delete()
    for role, told in (("admin", "Connect a source"), ("viewer", "An administrator of the tenant")):
        client = Client()
        client.force_login(ours.members[role])
        page = client.get(reverse(f"{NAMED}_changelist")).content.decode()
        assert "No source is connected yet" in page
        assert told in page
