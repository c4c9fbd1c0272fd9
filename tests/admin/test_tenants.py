"""Tenants: what their administrators set, whom they invite, and who must not be removed."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from common.errors import UsageError
from tenants import invitations
from tenants.models import Invitation, Membership, Role, Tenant, TenantLogo
from tenants.permissions import ROLE_NAMES, role_table
from tenants.scope import every_tenant, tenant_scope
from tests.admin.world import World

SETTINGS = reverse("admin:tenant_settings")
JOIN = reverse("admin:join")
PASSWORD = "correct horse 7"


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def picture(size: tuple[int, int] = (600, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 90, 200)).save(out, "PNG")
    return out.getvalue()


def settings_of(ours: World, **changed: Any) -> dict[str, Any]:
    return {"name": ours.tenant.name, "time_zone": "UTC", **changed}


def upload(client: Client, ours: World, data: bytes, name: str = "logo.png") -> Any:
    given = SimpleUploadedFile("x.png", data)
    # As a client may send it, which Django's own class would clean beforehand.
    vars(given)["_name"] = name
    return client.post(SETTINGS, settings_of(ours, logo=given))


def membership_of(world: World, role: str) -> Membership:
    with tenant_scope(world.tenant.pk):
        found: Membership = Membership.objects.get(user=world.members[role])
    return found


# Settings and logo


def test_an_administrator_sets_name_and_time_zone(ours: World, as_admin: Client) -> None:
    changed = settings_of(ours, name="Acme 🚀 غير", time_zone="europe/berlin", tier="enterprise")
    assert as_admin.post(SETTINGS, changed).status_code == 302
    ours.tenant.refresh_from_db()
    assert (ours.tenant.name, ours.tenant.time_zone) == ("Acme 🚀 غير", "Europe/Berlin")
    assert ours.tenant.tier == "basic"


def test_whether_another_tenant_has_a_name_cannot_be_found_out(
    ours: World, theirs: World, as_admin: Client
) -> None:
    response = as_admin.post(SETTINGS, settings_of(ours, name=theirs.tenant.name))
    assert response.status_code == 302


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("name", "", "This field is required"),
        ("name", "x" * 201, "at most 200 characters"),
        ("time_zone", "Berlin", "There is no time zone"),
        ("time_zone", "", "This field is required"),
    ],
)
def test_bad_settings_are_refused_at_the_field(
    column: str, value: str, words: str, ours: World, as_admin: Client
) -> None:
    page = as_admin.post(SETTINGS, settings_of(ours, **{column: value}))
    assert page.status_code == 200
    assert words in page.content.decode()


def test_a_logo_is_made_small_and_served_to_members_only(
    ours: World, theirs: World, as_admin: Client
) -> None:
    assert upload(as_admin, ours, picture()).status_code == 302
    served = as_admin.get(reverse("admin:tenant_logo", args=(ours.tenant.pk,)))
    assert served.headers["Content-Type"] == "image/png"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(served.content)).size == (256, 128)
    assert (
        reverse("admin:tenant_logo", args=(ours.tenant.pk,))
        in as_admin.get(reverse("admin:index")).content.decode()
    )
    stranger = entered(theirs.members["admin"])
    assert stranger.get(reverse("admin:tenant_logo", args=(ours.tenant.pk,))).status_code == 404
    assert Client().get(reverse("admin:tenant_logo", args=(ours.tenant.pk,))).status_code == 302


def test_a_logo_can_be_replaced_and_removed(ours: World, as_admin: Client) -> None:
    upload(as_admin, ours, picture())
    first = Tenant.objects.get(pk=ours.tenant.pk).logo_digest
    upload(as_admin, ours, picture((90, 90)))
    second = Tenant.objects.get(pk=ours.tenant.pk).logo_digest
    assert first and second and first != second
    as_admin.post(SETTINGS, settings_of(ours, remove_logo="on"))
    assert Tenant.objects.get(pk=ours.tenant.pk).logo_digest == ""
    with tenant_scope(ours.tenant.pk):
        assert not TenantLogo.objects.exists()


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "logo.svg", "SVG is not taken"),
        (b"<script>alert(1)</script>", "logo.png", "no picture"),
        (b"", "logo.png", "empty"),
        (b"x" * (3 * 1024 * 1024), "logo.png", "at most 2 MB"),
        (picture()[:90], "logo.png", "picture"),
    ],
)
def test_what_is_no_logo_is_refused_and_the_old_one_stays(
    data: bytes, name: str, words: str, ours: World, as_admin: Client
) -> None:
    upload(as_admin, ours, picture())
    before = Tenant.objects.get(pk=ours.tenant.pk).logo_digest
    page = upload(as_admin, ours, data, name)
    assert page.status_code == 200
    assert words in page.content.decode()
    assert Tenant.objects.get(pk=ours.tenant.pk).logo_digest == before


@pytest.mark.parametrize("name", ["../../x.png", "a.png/../../../etc/passwd", "x.php"])
def test_the_name_of_an_uploaded_file_plays_no_part(
    name: str, ours: World, as_admin: Client
) -> None:
    assert upload(as_admin, ours, picture(), name).status_code == 302
    served = as_admin.get(reverse("admin:tenant_logo", args=(ours.tenant.pk,)))
    assert served.headers["Content-Disposition"] == 'inline; filename="logo.png"'


def test_a_name_with_a_nul_is_answered_and_stores_nothing_of_it(
    ours: World, as_admin: Client
) -> None:
    assert upload(as_admin, ours, picture(), "x\0.png").status_code in (200, 302, 400)


# Members


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_the_last_administrator_keeps_their_role(role: str, ours: World, as_admin: Client) -> None:
    last = membership_of(ours, "admin")
    page = as_admin.post(
        reverse("admin:tenants_membership_change", args=(last.pk,)), {"role": role}
    )
    assert page.status_code == 200
    assert "would be left without an administrator" in page.content.decode()
    assert membership_of(ours, "admin").role == Role.ADMIN


def test_the_last_administrator_is_not_removed(ours: World, as_admin: Client) -> None:
    last = membership_of(ours, "admin")
    delete = reverse("admin:tenants_membership_delete", args=(last.pk,))
    assert "would be left without an administrator" in as_admin.get(delete).content.decode()
    as_admin.post(delete, {"post": "yes"})
    everybody = [membership_of(ours, role).pk for role in ("admin", "viewer")]
    picked = {"action": "delete_selected", "_selected_action": everybody, "post": "yes"}
    as_admin.post(reverse("admin:tenants_membership_changelist"), picked)
    with tenant_scope(ours.tenant.pk):
        assert Membership.objects.filter(pk__in=everybody).count() == 2


def test_of_two_administrators_one_may_go(ours: World, as_admin: Client) -> None:
    with tenant_scope(ours.tenant.pk):
        Membership.objects.filter(user=ours.members["editor"]).update(role=Role.ADMIN)
    going = membership_of(ours, "editor")
    delete = reverse("admin:tenants_membership_delete", args=(going.pk,))
    assert as_admin.post(delete, {"post": "yes"}).status_code == 302
    with tenant_scope(ours.tenant.pk):
        assert not Membership.objects.filter(pk=going.pk).exists()


def test_an_account_that_is_inactive_does_not_count_as_an_administrator(
    ours: World, as_admin: Client
) -> None:
    with tenant_scope(ours.tenant.pk):
        Membership.objects.filter(user=ours.members["editor"]).update(role=Role.ADMIN)
    User.objects.filter(pk=ours.members["editor"].pk).update(is_active=False)
    last = membership_of(ours, "admin")
    page = as_admin.post(
        reverse("admin:tenants_membership_change", args=(last.pk,)), {"role": "viewer"}
    )
    assert "would be left without an administrator" in page.content.decode()


def test_an_operator_does_not_delete_the_only_administrator_of_a_tenant(ours: World) -> None:
    client = entered(User.objects.create(username="operator", is_superuser=True))
    delete = reverse("admin:auth_user_delete", args=(ours.members["admin"].pk,))
    assert f"{ours.tenant.name} would be left" in client.get(delete).content.decode()
    client.post(delete, {"post": "yes"})
    assert User.objects.filter(pk=ours.members["admin"].pk).exists()
    viewer = reverse("admin:auth_user_delete", args=(ours.members["viewer"].pk,))
    assert client.post(viewer, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=ours.members["viewer"].pk).exists()


# Invitations


def invite(client: Client, role: str = "editor", days: str = "7") -> str:
    """Make an invitation by the form and return the link that is shown."""
    form = {"name": "anna@example.com", "role": role, "valid_days": days}
    page = client.post(reverse("admin:tenants_invitation_add"), form, follow=True)
    found = re.search(r'value="(http://[^"]*\?token=[^"]+)"', page.content.decode())
    assert found is not None
    return found[1].removeprefix("http://testserver")


def test_a_link_is_shown_once_and_kept_nowhere(ours: World, as_admin: Client) -> None:
    link = invite(as_admin)
    with tenant_scope(ours.tenant.pk):
        made = Invitation.objects.get(name="anna@example.com")
    token = link.partition("token=")[2]
    assert made.token_digest == invitations.digest(token)
    assert token not in str(Invitation.__dict__) + str(dict(as_admin.session.items()))
    again = as_admin.get(reverse("admin:tenants_invitation_link", args=(made.pk,)))
    assert "The link was shown already" in again.content.decode()
    assert token not in again.content.decode()


def test_whoever_opens_a_link_makes_an_account_and_is_a_member(
    ours: World, as_admin: Client
) -> None:
    browser = Client()
    opened = browser.get(invite(as_admin), follow=True)
    assert opened.request["PATH_INFO"] == JOIN and not opened.request["QUERY_STRING"]
    assert ours.tenant.name in opened.content.decode()
    account = {"way": "account", "new-name": "anna", "new-password1": PASSWORD}
    joined = browser.post(JOIN, {**account, "new-password2": PASSWORD}, follow=True)
    name = f"anna@{ours.tenant.slug}"
    assert f"You are signed in as {name}" in joined.content.decode()
    with tenant_scope(ours.tenant.pk):
        assert Membership.objects.get(user__username=name).role == Role.EDITOR
    login = {"username": name, "password": PASSWORD}
    assert Client().post(reverse("admin:login"), login).status_code == 302


def test_a_link_works_once(ours: World, as_admin: Client) -> None:
    link = invite(as_admin)
    account = {"way": "account", "new-password1": PASSWORD, "new-password2": PASSWORD}
    first, second = Client(), Client()
    for browser in (first, second):
        browser.get(link, follow=True)
    first.post(JOIN, {**account, "new-name": "anna"})
    late = second.post(JOIN, {**account, "new-name": "bob"})
    assert late.status_code == 404
    assert "cannot be used" in late.content.decode()
    assert not User.objects.filter(username__startswith="bob").exists()


def test_somebody_with_an_account_joins_by_signing_in(
    ours: World, theirs: World, as_admin: Client
) -> None:
    guest = theirs.members["viewer"]
    guest.set_password(PASSWORD)
    guest.save()
    browser = Client()
    browser.get(invite(as_admin, role="viewer"))
    wrong = browser.post(JOIN, {"way": "sign-in", "username": guest.username, "password": "no"})
    assert "Name or password is wrong" in wrong.content.decode()
    right = {"way": "sign-in", "username": guest.username, "password": PASSWORD}
    home = browser.post(JOIN, right, follow=True)
    assert ours.tenant.name in home.content.decode()
    with tenant_scope(ours.tenant.pk):
        assert Membership.objects.get(user=guest).role == Role.VIEWER


def test_somebody_of_no_tenant_can_sign_in_by_an_invitation(ours: World, as_admin: Client) -> None:
    User.objects.create_user("lonely", password=PASSWORD)
    browser = Client()
    browser.get(invite(as_admin))
    right = {"way": "sign-in", "username": "lonely", "password": PASSWORD}
    assert browser.post(JOIN, right).headers["Location"] == reverse("admin:index")
    assert browser.get(reverse("admin:index")).status_code == 200


def test_who_is_signed_in_joins_by_a_button_or_as_somebody_else(
    ours: World, theirs: World, as_admin: Client
) -> None:
    link = invite(as_admin)
    browser = entered(theirs.members["viewer"])
    page = browser.get(link, follow=True).content.decode()
    assert f'signed in as <span class="etl-strong">{theirs.members["viewer"]}' in page
    left = browser.post(reverse("admin:leave_to_join"), follow=True)
    assert "Make an account" in left.content.decode()
    browser.force_login(theirs.members["viewer"])
    browser.get(link)
    assert browser.post(JOIN, {"way": "join"}).status_code == 302
    with tenant_scope(ours.tenant.pk):
        assert Membership.objects.filter(user=theirs.members["viewer"]).exists()


def test_a_member_does_not_use_an_invitation_up_nor_change_their_role(
    ours: World, as_admin: Client
) -> None:
    link = invite(as_admin, role="viewer")
    page = as_admin.get(link, follow=True)
    assert "You are a member already" in page.content.decode()
    as_admin.post(JOIN, {"way": "join"})
    assert membership_of(ours, "admin").role == Role.ADMIN
    assert Client().get(link, follow=True).status_code == 200


@pytest.mark.parametrize("fate", ["expired", "withdrawn", "unknown", "inactive"])
def test_a_link_that_is_of_no_use_is_answered_alike(
    fate: str, ours: World, as_admin: Client
) -> None:
    link = invite(as_admin)
    with tenant_scope(ours.tenant.pk):
        made = Invitation.objects.filter(name="anna@example.com")
        if fate == "expired":
            made.update(expires_at=timezone.now() - timedelta(seconds=1))
        elif fate == "withdrawn":
            delete = reverse("admin:tenants_invitation_delete", args=(made.get().pk,))
            as_admin.post(delete, {"post": "yes"})
        elif fate == "inactive":
            Tenant.objects.filter(pk=ours.tenant.pk).update(is_active=False)
        else:
            link = f"{JOIN}?token=nonsense"
    page = Client().get(link, follow=True)
    assert page.status_code == 404
    assert "This invitation cannot be used" in page.content.decode()
    assert ours.canary not in page.content.decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"new-password2": "another 77"}, "The two passwords differ"),
        ({"new-password1": "short", "new-password2": "short"}, "too short"),
        ({"new-password1": "password1", "new-password2": "password1"}, "too common"),
        ({"new-name": "an na"}, "without spaces"),
        ({"new-name": ""}, "required"),
        ({"new-name": "x" * 61}, "at most 60"),
    ],
)
def test_a_poor_account_is_refused_at_the_field_and_uses_nothing_up(
    changed: dict[str, str], words: str, ours: World, as_admin: Client
) -> None:
    link = invite(as_admin)
    browser = Client()
    browser.get(link)
    account = {"new-name": "anna", "new-password1": PASSWORD, "new-password2": PASSWORD}
    page = browser.post(JOIN, {"way": "account", **account, **changed})
    assert page.status_code == 200
    assert words in page.content.decode()
    assert invitations.find(link.partition("token=")[2]) is not None
    assert not User.objects.filter(username__contains="@").exists()


def test_that_an_account_exists_elsewhere_is_not_revealed(
    ours: World, theirs: World, as_admin: Client
) -> None:
    User.objects.create_user("anna", password=PASSWORD)
    User.objects.create_user(f"anna@{theirs.tenant.slug}", password=PASSWORD)
    browser = Client()
    browser.get(invite(as_admin))
    account = {"new-name": "anna", "new-password1": PASSWORD, "new-password2": PASSWORD}
    assert browser.post(JOIN, {"way": "account", **account}).status_code == 302
    wrong = [
        Client().post(reverse("admin:login"), {"username": name, "password": "no"}).content.decode()
        for name in ("anna", "nobody-at-all")
    ]
    assert re.sub("anna|nobody-at-all|csrf.*", "", wrong[0]) == re.sub(
        "anna|nobody-at-all|csrf.*", "", wrong[1]
    )


def test_viewers_and_editors_invite_nobody(ours: World) -> None:
    for role in ("viewer", "editor"):
        client = entered(ours.members[role])
        add = reverse("admin:tenants_invitation_add")
        assert client.get(add).status_code == 403
        form = {"name": "x", "role": "admin", "valid_days": "7"}
        assert client.post(add, form).status_code == 403
    with every_tenant("counts"):
        assert Invitation.objects.filter(name="x").count() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_becomes_a_member() -> None:
    tenant = Tenant.objects.create(name="Acme", slug="acme")
    with tenant_scope(tenant.pk):
        _, token = invitations.make(tenant, "x", Role.VIEWER, 1, None)
    users = [User.objects.create(username=f"user{number}") for number in range(4)]

    def accept(user: User) -> bool:
        try:
            found = invitations.find(token)
            if found is None:
                return False
            invitations.accept(found, user)
        except UsageError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(accept, users)) == [False, False, False, True]
    with tenant_scope(tenant.pk):
        assert Membership.objects.count() == 1


@pytest.mark.django_db
def test_an_invitation_that_two_have_open_lets_in_the_first_only() -> None:
    tenant = Tenant.objects.create(name="Acme", slug="acme")
    with tenant_scope(tenant.pk):
        _, token = invitations.make(tenant, "x", Role.VIEWER, 1, None)
    both = [invitations.find(token), invitations.find(token)]
    users = [User.objects.create(username=f"user{number}") for number in range(2)]
    assert both[0] is not None
    assert both[1] is not None
    invitations.accept(both[0], users[0])
    with pytest.raises(UsageError):
        invitations.accept(both[1], users[1])
    with tenant_scope(tenant.pk):
        assert [row.user for row in Membership.objects.all()] == users[:1]


# The table of roles


def test_the_table_of_roles_in_the_documents_is_that_of_the_code(ours: World) -> None:
    text = (Path(__file__).parents[2] / "docs" / "roles.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert rows[0] == ["", *ROLE_NAMES]
    assert rows[2:] == [
        [meaning, *("yes" if has else "–" for has in held)] for meaning, held in role_table()
    ]
    page = entered(ours.members["viewer"]).get(reverse("admin:roles")).content.decode()
    for meaning, _ in role_table():
        assert meaning.replace("'", "&#x27;") in page


@pytest.mark.django_db
def test_an_operator_sets_tier_and_time_zone_and_no_zone_that_is_none() -> None:
    client = entered(User.objects.create(username="operator", is_superuser=True))
    add = reverse("admin:tenants_tenant_add")
    form = {"name": "Initech", "slug": "initech", "tier": "premium", "is_active": "on"}
    refused = client.post(add, {**form, "time_zone": "Moon"})
    assert "There is no time zone “Moon”" in refused.content.decode()
    assert client.post(add, {**form, "time_zone": "europe/paris"}).status_code == 302
    made = Tenant.objects.get(slug="initech")
    assert (made.tier, made.time_zone) == ("premium", "Europe/Paris")
    twice = client.post(add, {**form, "time_zone": "UTC"})
    assert "already exists" in twice.content.decode()
