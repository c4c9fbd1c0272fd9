"""API tokens: of one person in one tenant, as far as scopes and role go, until they end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from common.errors import UsageError
from tenants import api_tokens
from tenants.models import ApiToken, Membership
from tenants.permissions import access_for
from tenants.scope import tenant_scope
from tests.admin.world import World

pytestmark = pytest.mark.django_db

EVERYTHING = ("read", "run", "edit_mappings", "edit_integrations", "edit_members", "edit_tenant")


def made(world: World, role: str, *scopes: str) -> tuple[ApiToken, APIClient]:
    """Make a token of a member, and a program that shows it."""
    access = access_for(world.members[role], world.tenant.pk)
    assert access is not None
    with tenant_scope(world.tenant.pk):
        end = timezone.now() + timedelta(days=30)
        token, text = api_tokens.make(access, world.tenant, "reader", scopes, end)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return token, client


def test_it_reads_in_the_tenant_it_was_made_for(ours: World, theirs: World) -> None:
    _, client = made(ours, "viewer", "read")
    told = client.get("/api/v1/me/").json()
    assert (told["tenant"], told["capabilities"]) == ("ours", ["read"])
    answer = client.get("/api/v1/integrations/")
    assert answer.status_code == 200
    assert theirs.canary not in answer.content.decode()


@pytest.mark.parametrize("slug", ["theirs", "nobodys"])
def test_it_has_no_other_tenant(ours: World, theirs: World, slug: str) -> None:
    _, client = made(ours, "admin", *EVERYTHING)
    assert client.get("/api/v1/me/", headers={"X-Tenant": slug}).status_code == 404


def test_it_does_what_its_scopes_permit_only(ours: World) -> None:
    _, client = made(ours, "admin", "read")
    answer = client.post("/api/v1/wit-mappings/", {"from_name": "Bug"})
    assert answer.status_code == 403


def test_it_does_what_the_role_permits_only(ours: World) -> None:
    token, client = made(ours, "admin", "read", "edit_integrations")
    assert client.post("/api/v1/integrations/", {}).status_code == 400
    with tenant_scope(ours.tenant.pk):
        Membership.objects.filter(user=token.user).update(role="viewer")
    assert client.post("/api/v1/integrations/", {}).status_code == 403


def test_nobody_gives_scopes_that_they_do_not_have(ours: World) -> None:
    with pytest.raises(UsageError, match="edit_integrations"):
        made(ours, "viewer", "read", "edit_integrations")


def expired(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())


def of_a_deactivated_user(token: ApiToken) -> None:
    token.user.is_active = False
    token.user.save()


def of_no_member(token: ApiToken) -> None:
    Membership.objects.filter(user=token.user).delete()


ENDS: list[Callable[[ApiToken], Any]] = [
    api_tokens.revoke,
    expired,
    of_a_deactivated_user,
    of_no_member,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_it_ends_at_the_next_request(ours: World, end: Callable[[ApiToken], Any]) -> None:
    token, client = made(ours, "admin", "read")
    assert client.get("/api/v1/me/").status_code == 200
    with tenant_scope(ours.tenant.pk):
        end(token)
    answer = client.get("/api/v1/me/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_only_its_digest_is_kept(ours: World) -> None:
    access = access_for(ours.members["viewer"], ours.tenant.pk)
    assert access is not None
    with tenant_scope(ours.tenant.pk):
        end = timezone.now() + timedelta(days=30)
        token, text = api_tokens.make(access, ours.tenant, "reader", ["read"], end)
        kept = str(ApiToken.objects.filter(pk=token.pk).values().get())
    assert text not in kept
    assert api_tokens.digest(text) in kept


def test_its_use_is_noted(ours: World) -> None:
    token, client = made(ours, "viewer", "read")
    client.get("/api/v1/me/")
    with tenant_scope(ours.tenant.pk):
        token.refresh_from_db()
    assert token.last_used_at is not None


def test_it_shows_no_sign_ins(ours: World) -> None:
    _, client = made(ours, "admin", *EVERYTHING)
    assert client.get("/api/v1/auth/sign-ins/").status_code == 403
