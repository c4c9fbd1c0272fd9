"""Members and invitations over the API: who may, what holds, and that an administrator is left."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tenants.models import Invitation, Membership, Role
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.api.test_tokens import made

pytestmark = pytest.mark.django_db
MEMBERS = "/api/v1/members/"
INVITATIONS = "/api/v1/invitations/"
ASKED = {"name": "Ben", "role": "editor", "valid_days": 7}


def member(world: World, role: str) -> Membership:
    with tenant_scope(world.tenant.pk):
        found: Membership = Membership.objects.get(user=world.members[role])
    return found


def address(world: World, role: str) -> str:
    return f"{MEMBERS}{member(world, role).pk}/"


def role_of(world: World, role: str) -> str:
    return str(member(world, role).role)


# Members


@pytest.mark.parametrize("role", ["viewer", "editor", "admin"])
def test_everybody_sees_the_members_of_their_tenant_only(
    ours: World, theirs: World, role: str
) -> None:
    answer = client_of(ours, role).get(MEMBERS, {"ordering": "username"})
    names = [row["username"] for row in answer.json()["results"]]
    assert {user.username for user in ours.members.values()} <= set(names)
    assert names == sorted(names)
    assert theirs.canary not in answer.content.decode()


def test_members_are_found_by_role_and_name(ours: World) -> None:
    name = ours.members["editor"].username
    rows = client_of(ours, "viewer").get(MEMBERS, {"role": "editor", "username": name}).json()
    assert [row["username"] for row in rows["results"]] == [name]


def test_another_role_holds_at_the_next_request(ours: World) -> None:
    editor = client_of(ours, "editor")
    assert editor.post(INVITATIONS, ASKED).status_code == 403
    answer = client_of(ours, "admin").patch(address(ours, "editor"), {"role": "admin"})
    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert editor.post(INVITATIONS, ASKED).status_code == 201


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_administrators_change_and_remove_members(ours: World, role: str) -> None:
    client = client_of(ours, role)
    assert client.patch(address(ours, role), {"role": "admin"}).status_code == 403
    assert client.delete(address(ours, "viewer")).status_code == 403
    assert role_of(ours, role) == role


def test_a_member_of_another_tenant_is_like_none(ours: World, theirs: World) -> None:
    client = client_of(ours, "admin")
    foreign = address(theirs, "viewer")
    for answer in (client.get(foreign), client.patch(foreign, {}), client.delete(foreign)):
        assert answer.status_code == 404
    assert role_of(theirs, "viewer") == "viewer"


def test_a_role_that_was_changed_meanwhile_is_not_overwritten(ours: World) -> None:
    client = client_of(ours, "admin")
    known = client.get(address(ours, "viewer"))["ETag"]
    assert client.patch(address(ours, "viewer"), {"role": "editor"}).status_code == 200
    answer = client.patch(address(ours, "viewer"), {"role": "admin"}, headers={"If-Match": known})
    assert answer.status_code == 412
    assert client.delete(address(ours, "viewer"), headers={"If-Match": known}).status_code == 412
    User.objects.filter(pk=ours.members["viewer"].pk).update(last_login=timezone.now())
    again = client.patch(
        address(ours, "viewer"), {"role": "admin"}, headers={"If-Match": answer["ETag"]}
    )
    assert again.status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"role": "owner"}, {"role": None}, {"role": "viewer", "x": 1}]
)
def test_what_is_no_role_is_refused(ours: World, body: dict[str, Any]) -> None:
    answer = client_of(ours, "admin").patch(address(ours, "editor"), body)
    assert answer.status_code == 400
    assert role_of(ours, "editor") == "editor"


def test_the_last_administrator_stays_one(ours: World) -> None:
    client = client_of(ours, "admin")
    for answer in (
        client.patch(address(ours, "admin"), {"role": "viewer"}),
        client.delete(address(ours, "admin")),
    ):
        assert answer.status_code == 409
        assert "Make somebody else administrator first" in answer.json()["detail"]
    assert role_of(ours, "admin") == "admin"
    assert not LogEntry.objects.exists()


def test_a_removed_member_is_let_in_no_more_nor_are_their_tokens(ours: World) -> None:
    _, program = made(ours, "editor", "read")
    client = client_of(ours, "editor")
    assert program.get(MEMBERS).status_code == client.get(MEMBERS).status_code == 200
    assert client_of(ours, "admin").delete(address(ours, "editor")).status_code == 204
    assert client.get(MEMBERS).status_code == 403
    assert program.get(MEMBERS).status_code == 401
    with tenant_scope(ours.tenant.pk):
        Membership.objects.create(tenant=ours.tenant, user=ours.members["editor"], role=Role.EDITOR)
    assert client.get(MEMBERS).status_code == 200
    assert program.get(MEMBERS).status_code == 401


def test_what_is_done_to_members_is_in_the_history(ours: World) -> None:
    client = client_of(ours, "admin")
    client.patch(address(ours, "viewer"), {"role": "editor"})
    client.delete(address(ours, "viewer"))
    found = LogEntry.objects.filter(user=ours.members["admin"]).order_by("pk")
    assert [str(entry).partition(" ")[0] for entry in found] == ["Changed", "Deleted"]


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_two_administrators_do_not_remove_each_other_at_once(ours: World) -> None:
    with tenant_scope(ours.tenant.pk):
        Membership.objects.filter(user=ours.members["editor"]).update(role=Role.ADMIN)

    def remove(who: tuple[str, str]) -> int:
        try:
            status: int = client_of(ours, who[0]).delete(address(ours, who[1])).status_code
        finally:
            connection.close()
        return status

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(remove, [("admin", "editor"), ("editor", "admin")]))
    assert found in ([204, 403], [204, 409])


# Invitations


def test_an_invitation_is_told_with_its_link_once_and_lets_in(ours: World) -> None:
    client = client_of(ours, "admin")
    answer = client.post(INVITATIONS, ASKED)
    assert answer.status_code == 201, answer.content
    assert answer["Cache-Control"] == "no-store"
    link = answer.json()["link"]
    assert (answer.json()["state"], answer.json()["invited_by"]) == ("open", "canaryours-admin")
    read = client.get(f"{INVITATIONS}{answer.json()['id']}/").content.decode()
    assert link.partition("token=")[2] not in read + client.get(INVITATIONS).content.decode()

    guest = Client()
    guest.get(link.partition("testserver")[2])
    form = {"way": "account", "new-name": "ben", "new-password1": "correct horse 7"}
    guest.post("/admin/join/", {**form, "new-password2": "correct horse 7"})
    with tenant_scope(ours.tenant.pk):
        assert Membership.objects.get(user__username="ben@ours").role == Role.EDITOR
    read = client.get(f"{INVITATIONS}{answer.json()['id']}/").json()
    assert (read["state"], read["accepted_by"]) == ("accepted", "ben@ours")


def test_a_withdrawn_invitation_leads_nowhere(ours: World) -> None:
    client = client_of(ours, "admin")
    made_now = client.post(INVITATIONS, {"name": "Ben"}).json()
    assert (made_now["role"], made_now["state"]) == ("viewer", "open")
    assert client.delete(f"{INVITATIONS}{made_now['id']}/").status_code == 204
    page = Client().get(made_now["link"].partition("testserver")[2], follow=True)
    assert page.status_code == 404


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_administrators_invite_and_withdraw(ours: World, role: str) -> None:
    client = client_of(ours, role)
    row = ours.row(Invitation)
    assert client.get(INVITATIONS).status_code == 200
    assert client.post(INVITATIONS, ASKED).status_code == 403
    assert client.delete(f"{INVITATIONS}{row.pk}/").status_code == 403
    with tenant_scope(ours.tenant.pk):
        assert Invitation.objects.filter(pk=row.pk).exists()


def test_an_invitation_of_another_tenant_is_like_none(ours: World, theirs: World) -> None:
    client = client_of(ours, "admin")
    foreign = f"{INVITATIONS}{theirs.row(Invitation).pk}/"
    assert client.get(foreign).status_code == client.delete(foreign).status_code == 404
    assert theirs.canary not in client.get(INVITATIONS).content.decode()


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"role": "owner"}, "/role"),
        ({"valid_days": 0}, "/valid_days"),
        ({"valid_days": 31}, "/valid_days"),
        ({"tenant": 1}, "/tenant"),
    ],
)
def test_what_is_no_invitation_is_refused_with_its_place(
    ours: World, changed: dict[str, Any], pointer: str
) -> None:
    answer = client_of(ours, "admin").post(INVITATIONS, {**ASKED, **changed})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(("scopes", "status"), [(("read",), 403), (("read", "edit_members"), 201)])
def test_a_program_invites_if_its_token_has_the_scope(
    ours: World, scopes: tuple[str, ...], status: int
) -> None:
    _, program = made(ours, "admin", *scopes)
    assert program.post(INVITATIONS, ASKED).status_code == status


def test_an_operator_names_the_tenant_that_somebody_is_invited_to(ours: World) -> None:
    client = APIClient()
    client.force_login(User.objects.create_superuser("operator"))
    assert client.post(INVITATIONS, ASKED).json()["type"].endswith("#tenant-needed")
    assert client.post(INVITATIONS, ASKED, headers={"X-Tenant": "ours"}).status_code == 201
