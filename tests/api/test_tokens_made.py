"""API tokens over the API: people make their own, administrators see and revoke all of a tenant."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from tenants import api_tokens
from tenants.models import ApiToken
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.test_tokens import EVERYTHING, made

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens/"


def asked(**changed: Any) -> dict[str, Any]:
    expires_at = (timezone.now() + timedelta(days=30)).isoformat()
    return {"name": "nightly", "scopes": ["read"], "expires_at": expires_at, **changed}


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_everybody_makes_a_token_and_sees_its_text_once(ours: World, role: str) -> None:
    client = client_of(ours, role)
    answer = client.post(TOKENS, asked())
    assert answer.status_code == 201, answer.content
    assert "no-store" in answer["Cache-Control"]
    text = answer.json()["token"]
    program = APIClient(headers={"Authorization": f"Bearer {text}"})
    assert program.get("/api/v1/me/").json()["username"] == ours.members[role].username
    one = client.get(f"{TOKENS}{answer.json()['id']}/")
    assert (one.json()["state"], one.json()["hint"]) == ("valid", text[:12])
    assert text not in one.content.decode() + client.get(TOKENS).content.decode()


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"scopes": ["read", "edit_members"]}, "/scopes"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59Z"}, "/expires_at"),
        ({"expires_at": None}, "/expires_at"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"user": "somebody"}, "/user"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    ours: World, changed: dict[str, Any], pointer: str
) -> None:
    answer = client_of(ours, "viewer").post(TOKENS, asked(**changed))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    with tenant_scope(ours.tenant.pk):
        assert not ApiToken.objects.filter(user=ours.members["viewer"]).exists()


def test_an_end_within_366_days_is_needed(ours: World) -> None:
    client = client_of(ours, "viewer")
    for days, status in ((365.9, 201), (366.1, 400)):
        end = (timezone.now() + timedelta(days=days)).isoformat()
        assert client.post(TOKENS, asked(expires_at=end)).status_code == status


def test_one_more_than_there_may_be_is_refused(
    ours: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_tokens, "MOST", 1)
    client = client_of(ours, "viewer")
    assert client.post(TOKENS, asked()).status_code == 201
    answer = client.post(TOKENS, asked())
    assert answer.status_code == 409
    assert "Revoke one" in answer.json()["detail"]


def test_a_token_neither_makes_nor_sees_tokens(ours: World) -> None:
    token, program = made(ours, "admin", *EVERYTHING)
    answers = [
        program.post(TOKENS, asked()),
        program.get(TOKENS),
        program.get(f"{TOKENS}{token.pk}/"),
        program.delete(f"{TOKENS}{token.pk}/"),
    ]
    for answer in answers:
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("#people-only")


def test_a_member_sees_their_own_and_an_administrator_everybodys(
    ours: World, theirs: World
) -> None:
    of_editor, _ = made(ours, "editor", "read")
    of_viewer, _ = made(ours, "viewer", "read")
    of_others, _ = made(theirs, "viewer", "read")
    viewer, admin = client_of(ours, "viewer"), client_of(ours, "admin")
    assert [row["id"] for row in viewer.get(TOKENS).json()["results"]] == [of_viewer.pk]
    seen = {row["id"] for row in admin.get(TOKENS, {"state": "valid"}).json()["results"]}
    assert seen == {of_editor.pk, of_viewer.pk}
    for method in ("get", "delete"):
        assert getattr(viewer, method)(f"{TOKENS}{of_editor.pk}/").status_code == 404
        assert getattr(admin, method)(f"{TOKENS}{of_others.pk}/").status_code == 404


@pytest.mark.parametrize("role", ["editor", "admin"])
def test_a_revoked_token_is_refused_at_once_and_stays_in_the_list(ours: World, role: str) -> None:
    token, program = made(ours, "editor", "read")
    client = client_of(ours, role)
    assert program.get("/api/v1/me/").status_code == 200
    assert client.delete(f"{TOKENS}{token.pk}/").status_code == 204
    assert program.get("/api/v1/me/").status_code == 401
    assert client.get(f"{TOKENS}{token.pk}/").status_code == 404
    assert client.delete(f"{TOKENS}{token.pk}/").status_code == 404
    of_editor = {"state": "revoked", "user": ours.members["editor"].username}
    rows = client.get(TOKENS, of_editor).json()["results"]
    assert [row["id"] for row in rows] == [token.pk]


def test_tokens_are_found_by_state_and_user(ours: World) -> None:
    valid, revoked, expired = (made(ours, "editor", "read")[0] for _ in range(3))
    with tenant_scope(ours.tenant.pk):
        api_tokens.revoke(revoked)
        ApiToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    client = client_of(ours, "admin")
    by_state = {"valid": valid, "revoked": revoked, "expired": expired}
    for state, token in by_state.items():
        asked_for = {"state": state, "user": ours.members["editor"].username}
        rows = client.get(TOKENS, asked_for).json()["results"]
        assert [(row["id"], row["state"]) for row in rows] == [(token.pk, state)]


def test_an_operator_names_the_tenant_of_a_token(ours: World) -> None:
    client = APIClient()
    client.force_login(User.objects.create_superuser("operator"))
    assert client.post(TOKENS, asked()).json()["type"].endswith("#tenant-needed")
    answer = client.post(TOKENS, asked(scopes=["read", "operate"]), headers={"X-Tenant": "ours"})
    assert answer.status_code == 201
