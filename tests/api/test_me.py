"""What people change of themselves over the API: preferences and the password."""

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tenants import throttle
from tenants.models import LoginFailure, Membership, Preferences, Role, SignIn
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.test_auth import PASSWORD, asked, me, sign_in
from tests.api.test_tokens import EVERYTHING, made

pytestmark = pytest.mark.django_db
PREFERENCES = "/api/v1/me/preferences/"
CHANGE = "/api/v1/me/password/"
ANOTHER = "another horse 8"


def shown_by(access: str) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {access}"})


# Preferences


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_who_chose_nothing_has_the_defaults_and_changes_what_is_given(
    ours: World, role: str
) -> None:
    client = client_of(ours, role)
    before = client.get(PREFERENCES).json()
    assert before == {
        "theme": "system",
        "high_contrast": False,
        "reduced_motion": False,
        "time_zone": "",
        "page_size": 50,
        "default_tenant": None,
    }
    assert not Preferences.objects.exists()
    given = {"theme": "dark", "time_zone": "europe/berlin", "default_tenant": "ours"}
    after = client.patch(PREFERENCES, given)
    assert after.json() == before | given | {"time_zone": "Europe/Berlin"}
    assert client.get(PREFERENCES).json() == after.json()
    assert client.patch(PREFERENCES, {"default_tenant": None}).json()["default_tenant"] is None


def test_nobody_elses_preferences_change(ours: World) -> None:
    client_of(ours, "viewer").patch(PREFERENCES, {"theme": "dark"})
    assert client_of(ours, "admin").get(PREFERENCES).json()["theme"] == "system"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"theme": "pink"}, "/theme"),
        ({"high_contrast": "yes"}, "/high_contrast"),
        ({"time_zone": "Mars/Phobos"}, "/time_zone"),
        ({"time_zone": None}, "/time_zone"),
        ({"page_size": 51}, "/page_size"),
        ({"default_tenant": "theirs"}, "/default_tenant"),
        ({"user": 1}, "/user"),
    ],
)
def test_what_cannot_be_preferred_is_refused_with_its_place(
    ours: World, theirs: World, changed: dict[str, Any], pointer: str
) -> None:
    answer = client_of(ours, "viewer").patch(PREFERENCES, changed)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not Preferences.objects.exists()


def test_a_tenant_of_others_is_told_like_none(ours: World, theirs: World) -> None:
    client = client_of(ours, "viewer")
    details = {
        client.patch(PREFERENCES, {"default_tenant": slug}).json()["detail"]
        for slug in ("theirs", "nobodys")
    }
    assert len(details) == 1


def test_preferences_that_were_changed_meanwhile_are_not_overwritten(ours: World) -> None:
    client = client_of(ours, "viewer")
    known = client.get(PREFERENCES)["ETag"]
    assert client.patch(PREFERENCES, {"page_size": 25}).status_code == 200
    late = client.patch(PREFERENCES, {"page_size": 100}, headers={"If-Match": known})
    assert late.status_code == 412
    again = client.patch(PREFERENCES, {"page_size": 100}, headers={"If-Match": late["ETag"]})
    assert again.json()["page_size"] == 100
    assert client.get(PREFERENCES, headers={"If-None-Match": again["ETag"]}).status_code == 304


def test_the_preferred_tenant_is_the_one_without_a_header(ours: World, theirs: World) -> None:
    with tenant_scope(theirs.tenant.pk):
        Membership.objects.create(
            tenant=theirs.tenant, user=ours.members["viewer"], role=Role.VIEWER
        )
    access = sign_in(ours, "viewer")["access"]
    assert me(access).json()["tenant"] == "ours"
    shown_by(access).patch(PREFERENCES, {"default_tenant": "theirs"})
    assert me(access).json()["tenant"] == "theirs"


# Password


def test_a_new_password_ends_every_sign_in_and_the_old_password(ours: World) -> None:
    one, other = sign_in(ours), sign_in(ours)
    assert (
        shown_by(one["access"]).post(CHANGE, {"old": PASSWORD, "new": ANOTHER}).status_code == 204
    )
    assert not SignIn.objects.filter(revoked_at=None).exists()
    for pair in (one, other):
        assert me(pair["access"]).status_code == 401
        assert asked("refresh", {"refresh": pair["refresh"]}).status_code == 401
    name = ours.members["admin"].username
    assert asked("token", {"username": name, "password": PASSWORD}).status_code == 401
    assert asked("token", {"username": name, "password": ANOTHER}).status_code == 200


def test_of_sessions_the_one_that_changes_it_goes_on(ours: World) -> None:
    sign_in(ours)
    one, other = client_of(ours, "admin"), client_of(ours, "admin")
    assert one.post(CHANGE, {"old": PASSWORD, "new": ANOTHER}).status_code == 204
    assert one.get(PREFERENCES).status_code == 200
    assert other.get(PREFERENCES).status_code == 401


def test_nobody_elses_sign_in_ends(ours: World) -> None:
    pair, editors = sign_in(ours), sign_in(ours, "editor")
    shown_by(pair["access"]).post(CHANGE, {"old": PASSWORD, "new": ANOTHER})
    assert me(editors["access"]).status_code == 200


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"old": "wrong horse", "new": ANOTHER}, "/old"),
        ({"old": PASSWORD, "new": "short"}, "/new"),
        ({"old": PASSWORD, "new": "password"}, "/new"),
        ({"old": PASSWORD}, "/new"),
        ({"new": ANOTHER}, "/old"),
    ],
)
def test_a_wrong_or_poor_password_changes_nothing(
    ours: World, given: dict[str, str], pointer: str
) -> None:
    access = sign_in(ours)["access"]
    answer = shown_by(access).post(CHANGE, given)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert PASSWORD not in answer.content.decode()
    assert me(access).status_code == 200


def test_wrong_passwords_have_to_wait_here_and_at_signing_in(ours: World) -> None:
    client = shown_by(sign_in(ours)["access"])
    for _ in range(throttle.FREE_FAILURES):
        assert client.post(CHANGE, {"old": "wrong horse", "new": ANOTHER}).status_code == 400
    cache.clear()  # of the limit of requests
    answer = client.post(CHANGE, {"old": PASSWORD, "new": ANOTHER})
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 31
    name = ours.members["admin"].username
    assert asked("token", {"username": name, "password": PASSWORD}).status_code == 429
    assert LoginFailure.objects.get().count == throttle.FREE_FAILURES


def test_programs_with_a_token_change_neither(ours: World) -> None:
    _, program = made(ours, "admin", *EVERYTHING)
    answers = [
        program.get(PREFERENCES),
        program.patch(PREFERENCES, {"theme": "dark"}),
        program.post(CHANGE, {"old": PASSWORD, "new": ANOTHER}),
    ]
    for answer in answers:
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("#people-only")


@pytest.mark.parametrize("path", [PREFERENCES, CHANGE])
def test_nobody_has_neither(ours: World, path: str) -> None:
    assert APIClient().post(path, {}).status_code in (401, 405)
    assert APIClient().get(path).status_code in (401, 405)
