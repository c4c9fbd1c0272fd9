"""What a user prefers takes effect on every page."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mappings.models import WitHierarchy
from tenants.models import Membership, Preferences, Tenant
from tenants.scope import tenant_scope
from tests.admin.world import World

PAGE = {"theme": "system", "page_size": "50", "time_zone": ""}


def save(client: Client, **changed: str) -> str:
    """Post the form with these values and return the page that it leads to."""
    response = client.post(reverse("admin:preferences"), {**PAGE, **changed}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_the_theme_stands_on_every_page(theme: str, as_admin: Client) -> None:
    assert "Your preferences are saved." in save(as_admin, theme=theme)
    for name in ("admin:index", "admin:warehouse_workitem_changelist", "admin:password_change"):
        assert f'data-theme="{theme}"' in as_admin.get(reverse(name)).content.decode()
    assert f'data-theme="{theme}"' in as_admin.get("/nowhere").content.decode()


def test_the_theme_of_the_menu_is_kept_and_leads_back(ours: World, as_admin: Client) -> None:
    back = reverse("admin:jobs_jobrun_changelist")
    response = as_admin.post(reverse("admin:theme"), {"theme": "dark", "next": back})
    assert response.headers["Location"] == back
    assert Preferences.objects.get(user=ours.members["admin"]).theme == "dark"
    away = as_admin.post(reverse("admin:theme"), {"theme": "dark", "next": "https://evil.example/"})
    assert away.headers["Location"] == reverse("admin:index")
    assert as_admin.post(reverse("admin:theme"), {"theme": "pink"}).status_code == 400


def test_contrast_and_motion_stand_on_every_page(as_admin: Client) -> None:
    plain = as_admin.get(reverse("admin:index")).content.decode()
    assert 'data-contrast="" data-motion=""' in plain
    page = save(as_admin, high_contrast="on", reduced_motion="on")
    assert 'data-contrast="high" data-motion="reduced"' in page


def test_times_are_shown_in_the_users_zone_which_is_named(ours: World, as_admin: Client) -> None:
    # World's instants are 03:04 UTC.
    listed = reverse("admin:integrations_rawpage_changelist")
    assert "3:04" in as_admin.get(listed).content.decode()
    page = save(as_admin, time_zone="Asia/Tokyo")
    assert "Asia/Tokyo" in page
    assert "12:04" in as_admin.get(listed).content.decode()


def test_without_a_zone_of_their_own_a_user_sees_that_of_the_tenant(
    ours: World, as_admin: Client
) -> None:
    Tenant.objects.filter(pk=ours.tenant.pk).update(time_zone="America/New_York")
    page = as_admin.get(reverse("admin:integrations_rawpage_changelist")).content.decode()
    assert "America/New_York" in page
    assert "22:04" in page


def test_a_zone_that_is_none_is_refused_with_words(as_admin: Client) -> None:
    response = as_admin.post(reverse("admin:preferences"), {**PAGE, "time_zone": "Mars/Phobos"})
    assert "There is no time zone “Mars/Phobos”" in response.content.decode()
    assert not Preferences.objects.exists()


@pytest.mark.parametrize("typed", ["europe/berlin", "America/New York"])
def test_a_zone_may_be_typed_as_people_do(typed: str, as_admin: Client) -> None:
    save(as_admin, time_zone=typed)
    assert Preferences.objects.get().time_zone.casefold() == typed.replace(" ", "_").casefold()


def test_lists_have_as_many_rows_on_a_page_as_preferred(ours: World, as_admin: Client) -> None:
    with tenant_scope(ours.tenant.pk):
        WitHierarchy.objects.bulk_create(
            WitHierarchy(tenant=ours.tenant, level=100 + number, name=f"Level {number}")
            for number in range(30)
        )
    listed = reverse("admin:mappings_withierarchy_changelist")
    rows = {}
    for size in ("10", "25"):
        save(as_admin, page_size=size)
        rows[size] = len(as_admin.get(listed).context["cl"].result_list)
    assert rows == {"10": 10, "25": 25}
    refused = as_admin.post(reverse("admin:preferences"), {**PAGE, "page_size": "100000"})
    assert "Select a valid choice" in refused.content.decode()


def test_the_default_tenant_is_the_one_after_login(ours: World, theirs: World) -> None:
    user = ours.members["admin"]
    with tenant_scope(theirs.tenant.pk):
        Membership.objects.create(tenant=theirs.tenant, user=user, role="viewer")
    client = Client()
    client.force_login(user)
    save(client, default_tenant=str(theirs.tenant.pk))
    again = Client()
    again.force_login(user)
    home = again.get(reverse("admin:index")).content.decode()
    assert theirs.tenant.name in home
    foreign = Tenant.objects.create(name="Foreign", slug="foreign")
    for key in (str(foreign.pk), "987654"):
        page = client.post(reverse("admin:preferences"), {**PAGE, "default_tenant": key})
        assert page.status_code == 200
        assert "Select a valid choice" in page.content.decode()
        assert "Foreign" not in page.content.decode()


def test_a_user_changes_nobody_elses_preferences(ours: World) -> None:
    for role in ("admin", "viewer"):
        client = Client()
        client.force_login(ours.members[role])
        save(client, theme="dark" if role == "admin" else "light")
    kept = dict(Preferences.objects.values_list("user__username", "theme"))
    assert kept == {
        ours.members["admin"].username: "dark",
        ours.members["viewer"].username: "light",
    }


@pytest.mark.django_db
def test_an_operators_lists_obey_the_page_size() -> None:
    operator = User.objects.create(username="operator", is_superuser=True)
    User.objects.bulk_create(User(username=f"user{number}") for number in range(20))
    client = Client()
    client.force_login(operator)
    save(client, page_size="10")
    assert len(client.get(reverse("admin:auth_user_changelist")).context["cl"].result_list) == 10
