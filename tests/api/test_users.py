"""The accounts of the platform over the API: operators see, deactivate and activate them."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tenants.models import Membership, Role
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.test_auth import asked, me, sign_in
from tests.api.test_tokens import EVERYTHING, made

pytestmark = pytest.mark.django_db
USERS = "/api/v1/users/"


@pytest.fixture
def operator(db: None) -> APIClient:
    """A program in which an operator is signed in."""
    client = APIClient()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def address(user: User, what: str = "") -> str:
    return f"{USERS}{user.pk}/{what}"


def test_an_operator_sees_everybody(ours: World, theirs: World, operator: APIClient) -> None:
    names = {row["username"] for row in operator.get(USERS).json()["results"]}
    assert {"operator", "canaryours-admin", "canarytheirs-viewer"} <= names
    one = ours.members["viewer"]
    found = operator.get(USERS, {"username": one.username, "is_active": "true"}).json()["results"]
    assert found == [operator.get(address(one)).json()]


def test_a_list_of_many_takes_as_many_queries_as_one_of_few(operator: APIClient) -> None:
    with CaptureQueriesContext(connection) as few:
        operator.get(USERS)
    User.objects.bulk_create(User(username=f"user{number}") for number in range(9))
    with CaptureQueriesContext(connection) as many:
        assert len(operator.get(USERS).json()["results"]) == 10
    assert len(many) <= len(few)


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_nobody_else_sees_or_changes_anybody(ours: World, theirs: World, role: str) -> None:
    client = client_of(ours, role)
    for user in (ours.members["viewer"], theirs.members["viewer"]):
        answers = [
            client.get(USERS),
            client.get(address(user)),
            client.post(address(user, "deactivate/")),
            client.post(address(user, "activate/")),
        ]
        assert {answer.status_code for answer in answers} == {403}


def test_a_token_of_an_operator_does_not_reach_beyond_its_tenant(ours: World) -> None:
    ours.members["operator"] = User.objects.create_superuser("operator")
    _, program = made(ours, "operator", *EVERYTHING, "operate")
    assert program.get(USERS).status_code == 403
    assert program.post(address(ours.members["viewer"], "deactivate/")).status_code == 403


def test_who_is_deactivated_is_let_in_no_more_and_signs_in_anew_when_active_again(
    ours: World, operator: APIClient
) -> None:
    user = ours.members["editor"]
    pair = sign_in(ours, "editor")
    session = client_of(ours, "editor")
    assert operator.post(address(user, "deactivate/")).json()["is_active"] is False
    assert me(pair["access"]).status_code == session.get("/api/v1/me/").status_code == 401
    assert operator.post(address(user, "activate/")).json()["is_active"] is True
    assert asked("refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert me(sign_in(ours, "editor")["access"]).status_code == 200


def test_the_only_administrator_of_a_tenant_stays_active(ours: World, operator: APIClient) -> None:
    user = ours.members["admin"]
    answer = operator.post(address(user, "deactivate/"))
    assert answer.status_code == 409
    assert "canaryours Ltd would be left without an administrator" in answer.json()["detail"]
    with tenant_scope(ours.tenant.pk):
        Membership.objects.filter(user=ours.members["editor"]).update(role=Role.ADMIN)
    assert operator.post(address(user, "deactivate/")).status_code == 200


def test_an_operator_does_not_deactivate_themselves(operator: APIClient) -> None:
    user = User.objects.get(username="operator")
    assert operator.post(address(user, "deactivate/")).status_code == 409
    assert operator.get(address(user)).json()["is_active"] is True


@pytest.mark.parametrize("role", ["admin", "editor"])
def test_the_page_of_a_user_holds_to_the_same_rules(
    ours: World, operator: APIClient, role: str
) -> None:
    user = ours.members[role]
    pair = sign_in(ours, role)
    form = {"username": user.username, "last_login_0": "", "date_joined_0": ""}
    page = operator.post(f"/admin/auth/user/{user.pk}/change/", form, format="multipart")
    user.refresh_from_db()
    assert user.is_active is (role == "admin")
    if role == "admin":
        assert "would be left without an administrator" in page.content.decode()
    else:
        user.is_active = True
        user.save()
        assert me(pair["access"]).status_code == 401
