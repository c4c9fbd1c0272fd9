"""The page of API tokens: who sees which, made within one's own role, shown once, revoked."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tenants import api_tokens
from tenants.models import ApiToken
from tenants.permissions import EVERY, access_for
from tenants.scope import tenant_scope
from tests.admin.world import World

LIST = reverse("admin:tenants_apitoken_changelist")
ADD = reverse("admin:tenants_apitoken_add")


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def token_of(world: World, role: str, name: str) -> ApiToken:
    access = access_for(world.members[role], world.tenant.pk)
    assert access is not None
    with tenant_scope(world.tenant.pk):
        end = timezone.now() + timedelta(days=30)
        return api_tokens.make(access, world.tenant, name, ["read"], end)[0]


def add(client: Client, **given: Any) -> Any:
    body = {"name": "nightly", "scopes": ["read"], "valid_days": "30", **given}
    return client.post(ADD, body, follow=True)


def kept(world: World, **by: Any) -> ApiToken:
    with tenant_scope(world.tenant.pk):
        found: ApiToken = ApiToken.objects.get(**by)
    return found


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_everybody_makes_a_token_that_lets_in_and_is_shown_once(ours: World, role: str) -> None:
    client = entered(ours.members[role])
    page = add(client)
    found = re.search(r'value="(etl_\w+)"', page.content.decode())
    assert found is not None
    assert "no-store" in page.headers["Cache-Control"]
    asked = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {found[1]}"})
    assert asked.json()["username"] == ours.members[role].username
    again = client.get(page.request["PATH_INFO"]).content.decode()
    assert "shown already" in again
    assert found[1] not in again
    assert found[1] not in client.get(LIST).content.decode()


def test_scopes_are_offered_as_far_as_the_role_goes(ours: World) -> None:
    page = entered(ours.members["editor"]).get(ADD).content.decode()
    assert 'value="edit_mappings"' in page
    assert 'value="edit_members"' not in page


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scopes": ["read", "edit_members"]}, "edit_members is not one of the available choices"),
        ({"scopes": []}, "Choose what the token may do"),
        ({"valid_days": "3660"}, "3660 is not one of the available choices"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_what_cannot_be_is_refused_at_the_field(
    ours: World, given: dict[str, Any], words: str
) -> None:
    page = add(entered(ours.members["viewer"]), **given)
    assert words in page.content.decode()
    with tenant_scope(ours.tenant.pk):
        assert not ApiToken.objects.filter(user=ours.members["viewer"]).exists()


def test_one_more_than_there_may_be_is_refused_in_words(
    ours: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_tokens, "MOST", 1)
    client = entered(ours.members["viewer"])
    add(client)
    assert "Revoke one that is not used any more" in add(client).content.decode()


def test_a_member_sees_their_own_and_an_administrator_everybodys(ours: World) -> None:
    theirs = token_of(ours, "editor", "of the editor")
    token_of(ours, "viewer", "of the viewer")
    seen_by = {
        role: entered(user).get(LIST).content.decode() for role, user in ours.members.items()
    }
    assert "of the editor" not in seen_by["viewer"]
    assert "of the viewer" in seen_by["viewer"]
    assert "of the editor" in seen_by["admin"]
    assert "of the viewer" in seen_by["admin"]
    for page in ("change", "delete", "history", "text"):
        address = reverse(f"admin:tenants_apitoken_{page}", args=(theirs.pk,))
        assert entered(ours.members["viewer"]).get(address).status_code == 404


@pytest.mark.parametrize("role", ["editor", "admin"])
def test_it_is_revoked_after_a_question_and_stays_in_the_list(ours: World, role: str) -> None:
    token = token_of(ours, "editor", "nightly")
    client = entered(ours.members[role])
    address = reverse("admin:tenants_apitoken_delete", args=(token.pk,))
    assert "Revoke “nightly”?" in client.get(address).content.decode()
    page = client.post(address, {"post": "yes"}, follow=True).content.decode()
    assert "lets nobody in" in page
    assert kept(ours, pk=token.pk).state == ApiToken.State.REVOKED
    assert "Revoked" in client.get(LIST).content.decode()
    history = client.get(reverse("admin:tenants_apitoken_history", args=(token.pk,)))
    assert "The token was revoked" in history.content.decode()
    assert client.post(address, {"post": "yes"}).status_code == 403


def test_nobody_takes_somebody_elses_shown_token(ours: World) -> None:
    page = add(entered(ours.members["viewer"]))
    other = entered(ours.members["admin"]).get(page.request["PATH_INFO"])
    assert "shown already" in other.content.decode()


def test_an_operator_makes_none_in_the_scope_of_every_tenant(ours: World) -> None:
    client = entered(User.objects.create_superuser("operator"))
    client.post(reverse("admin:choose_tenant"), {"tenant": EVERY})
    assert client.get(ADD).status_code == 403
    assert client.get(LIST).status_code == 200


def test_a_user_goes_with_their_tokens_whether_valid_or_not(ours: World) -> None:
    token = token_of(ours, "viewer", "nightly")
    with tenant_scope(ours.tenant.pk):
        api_tokens.revoke(token)
    token_of(ours, "viewer", "valid")
    client = entered(User.objects.create_superuser("operator"))
    address = reverse("admin:auth_user_delete", args=(token.user_id,))
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=token.user_id).exists()


def test_who_has_none_is_told_what_they_are_for(ours: World) -> None:
    page = entered(ours.members["viewer"]).get(LIST).content.decode()
    assert "A token lets a program work here in your name" in page
    assert "Add API token" in page
