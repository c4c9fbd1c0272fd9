"""The site around the pages: sidebar, palette, login, messages, confirmations, errors."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.views import defaults

from mappings.models import WitHierarchy
from tenants import sign_ins, throttle
from tenants.models import LoginFailure, Membership, Preferences, Role
from tenants.permissions import CHOICE_KEY
from tenants.scope import tenant_scope
from tests.admin.world import World
from warehouse.models import WorkItem

LOGIN = "/admin/login/"


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def links_of(client: Client) -> set[str]:
    groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
    return {str(item["title"]) for group in groups for item in group["items"]}


def with_password(user: User) -> User:
    user.set_password("a long password")
    user.save()
    return user


def logged_in(client: Client, name: str, password: str, **more: Any) -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, **more)


# The sidebar and the palette


@pytest.mark.parametrize(
    ("role", "present", "absent"),
    [
        ("viewer", {"Home", "Work items", "Members"}, {"Tenant settings", "Users", "Processes"}),
        ("admin", {"Home", "Tenant settings", "Invitations"}, {"Users", "Tenants", "Processes"}),
    ],
)
def test_the_sidebar_has_what_a_role_may_open(
    role: str, present: set[str], absent: set[str], ours: World
) -> None:
    shown = links_of(entered(ours.members[role]))
    assert present <= shown
    assert not absent & shown


def test_every_link_of_the_sidebar_opens(ours: World) -> None:
    for role in ("viewer", "editor", "admin"):
        client = entered(ours.members[role])
        groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
        for item in (item for group in groups for item in group["items"]):
            assert client.get(item["link"]).status_code == 200, (role, item["title"])


@pytest.mark.django_db
def test_an_operator_has_the_platform_in_the_sidebar() -> None:
    operator = User.objects.create(username="operator", is_superuser=True)
    assert {"Users", "Tenants", "Processes"} <= links_of(entered(operator))


def test_a_page_that_is_not_there_is_left_out_of_the_sidebar(
    ours: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = (("Work", (("Nothing", "x", "nowhere"), ("Runs", "y", "jobs_jobrun"))),)
    monkeypatch.setattr("etl_project.navigation._GROUPS", groups)
    assert links_of(entered(ours.members["viewer"])) == {"Home", "Runs"}


def test_the_palette_finds_pages_and_rows_of_the_tenant_only(ours: World, theirs: World) -> None:
    client = entered(ours.members["viewer"])
    search = reverse("admin:search")
    pages = client.get(search, {"s": "quarant", "extended": "1"}).content.decode()
    assert reverse("admin:integrations_quarantinedrecord_changelist") in pages
    key = ours.row(WorkItem).key
    assert key in client.get(search, {"s": key[:10], "extended": "1"}).content.decode()
    foreign = theirs.row(WorkItem).key
    assert foreign not in client.get(search, {"s": theirs.canary, "extended": "1"}).content.decode()
    for strange in ("", "\0", "%", "x" * 5000, "'"):
        assert client.get(search, {"s": strange, "page": "no"}).status_code == 200


def test_the_palette_forgets_another_tenant_at_once(ours: World, theirs: World) -> None:
    user = ours.members["viewer"]
    with tenant_scope(theirs.tenant.pk):
        Membership.objects.create(tenant=theirs.tenant, user=user, role=Role.VIEWER)
    client = entered(user)
    key = theirs.row(WorkItem).key
    for tenant, is_found in ((theirs.tenant, True), (ours.tenant, False)):
        client.post(reverse("admin:choose_tenant"), {"tenant": tenant.pk})
        page = client.get(reverse("admin:search"), {"s": key, "extended": "1"}).content.decode()
        assert (f">{key}<" in page) is is_found


def test_the_palette_asks_no_more_for_more_rows(ours: World) -> None:
    client = entered(ours.members["viewer"])
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("admin:search"), {"s": ours.canary, "extended": "1"})
        counts.append(len(asked))
        for _ in range(8):
            ours.add(WitHierarchy)
    assert counts[0] == counts[1]


# Login


@pytest.mark.django_db
def test_login_without_a_target_ends_on_home(ours: World) -> None:
    user = with_password(ours.members["viewer"])
    assert logged_in(Client(), user.username, "a long password").headers["Location"] == "/admin/"


def test_a_wrong_password_is_said_to_be_wrong_whether_or_not_the_name_exists(ours: World) -> None:
    user = with_password(ours.members["viewer"])
    for name in (user.username, "nobody"):
        page = logged_in(Client(), name, "wrong").content.decode()
        assert "Name or password is wrong" in page


def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(ours: World) -> None:
    user = with_password(ours.members["viewer"])
    client = Client()
    for _ in range(throttle.FREE_FAILURES):
        assert "is wrong" in logged_in(client, user.username, "wrong").content.decode()
    page = logged_in(client, user.username.upper(), "a long password").content.decode()
    assert "Try again in a minute" in page
    assert "_auth_user_id" not in client.session
    # The same name from elsewhere, and another name from here, are let in.
    elsewhere = logged_in(Client(), user.username, "a long password", REMOTE_ADDR="10.0.0.9")
    assert elsewhere.status_code == 302
    other = with_password(ours.members["editor"])
    assert logged_in(Client(), other.username, "a long password").status_code == 302
    # When the wait is over, the right password is taken, and the failures are forgotten.
    LoginFailure.objects.update(last_at=timezone.now() - timedelta(seconds=31))
    assert logged_in(client, user.username, "a long password").status_code == 302
    assert not LoginFailure.objects.exists()


def test_each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour(db: None) -> None:
    key = throttle.key_of("anna", "10.0.0.1")
    waits = []
    for _ in range(throttle.FREE_FAILURES + 8):
        throttle.failed(key)
        until = throttle.blocked_until(key)
        waits.append(round((until - timezone.now()).total_seconds()) if until else 0)
    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900, 900]


def test_failures_of_an_hour_ago_are_forgotten(db: None) -> None:
    key = throttle.key_of("anna", "10.0.0.1")
    for _ in range(20):
        throttle.failed(key)
    LoginFailure.objects.update(last_at=timezone.now() - timedelta(hours=1, seconds=1))
    assert throttle.blocked_until(key) is None
    throttle.failed(throttle.key_of("bob", "10.0.0.1"))
    assert LoginFailure.objects.count() == 1


def test_logging_out_takes_a_post(as_admin: Client) -> None:
    assert as_admin.get(reverse("admin:logout")).status_code == 405
    assert as_admin.post(reverse("admin:logout")).status_code == 200
    assert as_admin.get(reverse("admin:index")).status_code == 302


def test_a_changed_password_is_the_one_that_counts(ours: World) -> None:
    user = with_password(ours.members["viewer"])
    client = entered(user)
    page = reverse("admin:password_change")
    form = {"old_password": "a long password", "new_password1": "short", "new_password2": "short"}
    assert "too short" in client.post(page, form).content.decode()
    good = {**form, "new_password1": "correct horse 7", "new_password2": "correct horse 7"}
    assert client.post(page, good).status_code == 302
    assert logged_in(Client(), user.username, "correct horse 7").status_code == 302
    assert client.get(page).status_code == 200


def test_guessing_the_old_password_has_to_wait_here_and_at_the_login(ours: World) -> None:
    user = with_password(ours.members["viewer"])
    client = entered(user)
    page = reverse("admin:password_change")
    new = {"new_password1": "correct horse 7", "new_password2": "correct horse 7"}
    for _ in range(throttle.FREE_FAILURES):
        told = client.post(page, {"old_password": "a guess", **new}).content.decode()
        assert "This is not your password." in told
    told = client.post(page, {"old_password": "a long password", **new}).content.decode()
    assert "Too many wrong passwords. Try again in a minute." in told
    assert logged_in(Client(), user.username, "a long password").status_code == 200
    user.refresh_from_db()
    assert user.check_password("a long password")


def test_a_changed_password_ends_the_sign_ins_of_programs(ours: World) -> None:
    user = with_password(ours.members["viewer"])
    sign_in = sign_ins.begin(user)
    new = {"new_password1": "correct horse 7", "new_password2": "correct horse 7"}
    page = reverse("admin:password_change")
    assert entered(user).post(page, {"old_password": "a long password", **new}).status_code == 302
    assert sign_ins.find(sign_in.family, user.pk) is None


# Messages, confirmations, empty lists


def test_a_message_is_a_toast_that_is_said_aloud_and_can_be_closed(as_admin: Client) -> None:
    saved = {"theme": "light", "page_size": "50", "time_zone": ""}
    page = as_admin.post(reverse("admin:preferences"), saved, follow=True).content.decode()
    assert 'class="etl-toast etl-toast-success" role="status"' in page
    assert "data-close-toast" in page


def test_removing_a_member_is_confirmed_with_counts_and_can_be_left_be(
    ours: World, as_admin: Client
) -> None:
    membership = ours.row(Membership)
    page = as_admin.get(reverse("admin:tenants_membership_delete", args=(membership.pk,)))
    text = page.content.decode()
    assert "Delete the membership" in text
    assert 'Memberships: <span class="etl-strong">1</span>' in text
    assert reverse("admin:tenants_membership_change", args=(membership.pk,)) in text
    picked = {"action": "delete_selected", "_selected_action": [membership.pk]}
    selected = as_admin.post(reverse("admin:tenants_membership_changelist"), picked)
    assert "Delete 1 membership?" in selected.content.decode()
    with tenant_scope(ours.tenant.pk):
        assert Membership.objects.filter(pk=membership.pk).exists()


def test_an_empty_list_says_what_to_do_next(ours: World) -> None:
    with tenant_scope(ours.tenant.pk):
        WorkItem.objects.all().delete()
    page = entered(ours.members["viewer"]).get(reverse("admin:warehouse_workitem_changelist"))
    assert "They come with the first run of an integration" in page.content.decode()


# Errors


def test_pages_of_errors_have_the_look_of_the_site_and_a_way_home(ours: World) -> None:
    client = entered(ours.members["viewer"])
    Preferences.objects.create(user=ours.members["viewer"], theme="dark")
    for path, status, words in (
        ("/nowhere", 404, "There is no such page"),
        (reverse("admin:tenant_settings"), 403, "You may not do this"),
    ):
        page = client.get(path)
        assert page.status_code == status
        text = page.content.decode()
        assert words in text
        assert 'data-theme="dark"' in text
        assert 'href="/"' in text


def test_a_form_without_its_token_is_told_that_it_was_too_old(ours: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ours.members["viewer"])
    page = client.post(reverse("admin:preferences"), {})
    assert page.status_code == 403
    assert "The page was too old to be sent" in page.content.decode()


def test_the_page_of_an_error_asks_nothing_of_the_database(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        page = defaults.server_error(RequestFactory().get("/"))
    assert len(asked) == 0
    assert "Something went wrong" in page.content.decode()


def test_home_shows_no_log_of_what_was_done_in_another_tenant(ours: World, theirs: World) -> None:
    user = ours.members["admin"]
    with tenant_scope(theirs.tenant.pk):
        Membership.objects.create(tenant=theirs.tenant, user=user, role=Role.ADMIN)
    client = entered(user)
    client.post(reverse("admin:choose_tenant"), {"tenant": theirs.tenant.pk})
    assert client.session[CHOICE_KEY] == theirs.tenant.pk
    membership = theirs.row(Membership)
    changed = reverse("admin:tenants_membership_change", args=(membership.pk,))
    assert client.post(changed, {"role": "editor"}).status_code == 302
    client.post(reverse("admin:choose_tenant"), {"tenant": ours.tenant.pk})
    # The first page says aloud what was done; from then on nothing does.
    client.get(reverse("admin:index"))
    assert theirs.canary not in client.get(reverse("admin:index")).content.decode().replace(
        theirs.tenant.name, ""
    )
    history = reverse("admin:tenants_membership_history", args=(membership.pk,))
    assert client.get(history).status_code == 404
