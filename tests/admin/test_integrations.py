"""The form of an integration: made from what its provider declares; credentials stay where they
were given for."""

import pytest
from django.test import Client
from django.urls import reverse

from integrations.contract import setting_fields
from integrations.credentials import open_site, store_credentials
from integrations.models import Integration
from integrations.registry import connectors
from mappings.models import StatusMapping, WitMapping
from tenants.scope import tenant_scope
from tests.admin.world import World, make_world

pytestmark = pytest.mark.django_db

SECRET = "a-secret-token-of-ours"
URL = "https://jira.example.com"


@pytest.fixture
def connected() -> World:
    """A tenant whose Jira is connected."""
    world = make_world("ours")
    integration = world.row(Integration)
    with tenant_scope(world.tenant.pk):
        integration.provider = "jira"
        integration.base_url = URL
        integration.settings, integration.credentials = {}, ""
        integration.logo_digest = ""
        integration.save()
        store_credentials(integration, "basic", {"user": "a@example.com", "token": SECRET})
    return world


def as_role(world: World, role: str = "admin") -> Client:
    client = Client()
    client.force_login(world.members[role])
    return client


def page_of(world: World) -> str:
    return reverse("admin:integrations_integration_change", args=(world.row(Integration).pk,))


def saved(world: World, **changed: str) -> tuple[str, Integration]:
    """Save the integration's form with other values; return the page and the row."""
    given = {"base_url": URL, "method": "basic", "setting_sprints": "on"}
    answer = as_role(world).post(page_of(world), {**given, **changed}, follow=True)
    with tenant_scope(world.tenant.pk):
        return answer.content.decode(), Integration.objects.get(pk=world.row(Integration).pk)


def added(world: World, **changed: str) -> tuple[str, Integration | None]:
    """Post the form of a new Jira; return the page and the row, None if there is none."""
    given = {
        "provider": "jira",
        "name": "new-jira",
        "base_url": "https://new.example.com",
        "method": "basic",
        "credential_basic_user": "a@example.com",
        "credential_basic_token": SECRET,
        "setting_sprints": "on",
        "setting_flavour": "cloud",
    }
    address = reverse("admin:integrations_integration_add")
    answer = as_role(world).post(address, {**given, **changed}, follow=True)
    with tenant_scope(world.tenant.pk):
        found = Integration.objects.filter(name=changed.get("name", "new-jira")).first()
    return answer.content.decode(), found


# ---- what the form asks


@pytest.mark.parametrize("slug", sorted(connectors()))
def test_each_declared_setting_and_credential_has_a_field_with_its_label(
    slug: str, ours: World
) -> None:
    address = reverse("admin:integrations_integration_add")
    page = as_role(ours).get(address, {"provider": slug}).content.decode()
    connector = connectors()[slug]
    for each in setting_fields(connector.settings_type):
        assert f'name="setting_{each.name}"' in page
        assert each.label in page
    for method in connector.auth_methods:
        for field in method.fields:
            assert f'name="credential_{method.slug}_{field.name}"' in page


def test_without_a_provider_the_page_offers_all_that_are_installed(ours: World) -> None:
    page = as_role(ours).get(reverse("admin:integrations_integration_add")).content.decode()
    for slug, connector in connectors().items():
        assert f'href="?provider={slug}"' in page
        assert connector.description.partition(",")[0] in page


def test_a_new_one_is_connected_with_what_differs_from_the_defaults(ours: World) -> None:
    page, row = added(ours, setting_projects="WEB, APP\nOPS", setting_page_size="100")
    assert row is not None
    assert (row.settings, row.base_url) == ({"projects": "WEB,APP,OPS"}, "https://new.example.com")
    assert "new-jira is connected" in page
    with tenant_scope(ours.tenant.pk):
        assert open_site(row).api_url == "https://new.example.com"


def test_the_name_that_is_proposed_is_free(ours: World) -> None:
    address = reverse("admin:integrations_integration_add")
    for name, following in (("jira", "jira-2"), ("jira-2", "jira-3")):
        added(ours, name=name)
        page = as_role(ours).get(address, {"provider": "jira"}).content.decode()
        assert f'value="{following}"' in page


@pytest.mark.parametrize(("starter", "is_there"), [("on", True), ("", False)])
def test_starter_mappings_are_added_if_they_are_wanted(
    ours: World, starter: str, is_there: bool
) -> None:
    more = {"starter": starter} if starter else {}
    _, row = added(ours, **more)
    assert row is not None
    presets = connectors()["jira"].presets
    with tenant_scope(ours.tenant.pk):
        types = WitMapping.objects.exclude(pk=ours.row(WitMapping).pk).count()
        statuses = StatusMapping.objects.exclude(pk=ours.row(StatusMapping).pk).count()
    expected = (len(presets.types), len(presets.statuses)) if is_there else (0, 0)
    assert (types, statuses) == expected


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "My Jira"}, "lower-case letters, digits and hyphens"),
        ({"name": ""}, "This field is required"),
        ({"base_url": ""}, "Jira needs an address, such as https://acme.atlassian.net"),
        ({"base_url": "http://169.254.169.254/"}, "169.254.169.254"),
        ({"credential_basic_token": ""}, "API token is needed"),
        ({"setting_page_size": "5000"}, "less than or equal to 1000"),
        ({"setting_page_size": "many"}, "Enter a whole number"),
        ({"setting_projects": "../etc"}, "is neither a key nor an id of a project"),
        ({"setting_jql": "a = b order by c"}, "No ORDER BY may stand in it"),
        ({"setting_flavour": "server"}, "Select a valid choice"),
        ({"setting_token_url": "http://127.0.0.1:9/"}, "127.0.0.1"),
        ({"method": "telepathy"}, "Select a valid choice"),
    ],
)
def test_what_will_not_do_is_told_at_its_field_and_nothing_is_saved(
    ours: World, changed: dict[str, str], told: str
) -> None:
    page, row = added(ours, **changed)
    (name,) = changed
    wrong = page.partition(f'data-field="{name}"')[2].partition("</ul>")[0]
    assert told in wrong.replace("&#x27;", "'")
    assert row is None
    assert SECRET not in page


def test_a_name_that_is_taken_is_refused_and_its_integration_stays_as_it_is(
    connected: World,
) -> None:
    with tenant_scope(connected.tenant.pk):
        Integration.objects.filter(pk=connected.row(Integration).pk).update(name="taken")
    page, row = added(connected, name="taken")
    assert "There is an integration “taken” already" in page
    assert row is not None
    assert row.base_url == URL


def test_one_that_is_fed_by_imports_needs_neither_address_nor_credentials(ours: World) -> None:
    _, row = added(
        ours,
        base_url="",
        method="none",
        credential_basic_token="",
        credential_basic_user="",
        setting_story_points_field="customfield_7",
    )
    assert row is not None
    assert (row.credentials, row.base_url) == ("", "")
    assert row.settings == {"story_points_field": "customfield_7"}


# ---- credentials are taken and never given


@pytest.mark.parametrize("role", ["admin", "editor", "viewer"])
def test_credentials_are_never_shown(connected: World, role: str) -> None:
    page = as_role(connected, role).get(page_of(connected)).content.decode()
    assert "the credentials are sealed and never shown" in page
    for hidden in (SECRET, "a@example.com", connected.row(Integration).credentials[:40]):
        assert hidden not in page
    assert ('id="integration-form"' in page) == (role == "admin")
    assert ("data-picks" in page) == (role == "admin")


def test_left_empty_they_are_kept(connected: World) -> None:
    before = connected.row(Integration).credentials
    page, row = saved(connected, setting_projects="WEB")
    assert row.settings == {"projects": "WEB"}
    assert row.credentials == before
    assert SECRET not in page


def test_entered_anew_they_replace_the_kept_ones(connected: World) -> None:
    before = connected.row(Integration).credentials
    page, row = saved(connected, credential_basic_token="another-secret-token")
    assert row.credentials != before
    assert "another-secret-token" not in page


def test_another_address_takes_the_credentials_again(connected: World) -> None:
    page, row = saved(connected, base_url="https://jira.example.org")
    assert "enter them again" in page
    assert row.base_url == URL
    _, row = saved(
        connected, base_url="https://jira.example.org", credential_basic_token="token-for-there"
    )
    assert row.base_url == "https://jira.example.org"


@pytest.mark.parametrize("name", ["token_url", "gateway_url"])
def test_so_does_another_address_among_the_settings(connected: World, name: str) -> None:
    page, row = saved(connected, **{f"setting_{name}": "https://evil.example.org"})
    assert "enter them again" in page
    assert row.settings == {}


def test_another_way_to_sign_in_takes_its_own_credentials(connected: World) -> None:
    page, row = saved(connected, method="bearer")
    assert "Personal access token is needed" in page
    assert row.auth_method == "basic"


def test_an_address_inside_the_network_is_refused(connected: World) -> None:
    page, row = saved(connected, base_url="http://127.0.0.1:6379", credential_basic_token="x")
    assert row.base_url == URL
    assert "127.0.0.1" in page


def test_a_setting_that_is_emptied_goes_back_to_its_default(connected: World) -> None:
    saved(connected, setting_projects="WEB", setting_page_size="50")
    _, row = saved(connected)
    assert row.settings == {}


def test_the_history_names_what_was_changed_and_no_secret(connected: World) -> None:
    saved(connected, setting_projects="WEB", credential_basic_token="another-secret-token")
    address = reverse(
        "admin:integrations_integration_history", args=(connected.row(Integration).pk,)
    )
    page = as_role(connected).get(address).content.decode()
    assert "Projects" in page
    assert "Credentials" in page
    assert "another-secret-token" not in page


@pytest.mark.parametrize("role", ["editor", "viewer"])
def test_who_may_not_edit_changes_nothing(connected: World, role: str) -> None:
    given = {"base_url": URL, "method": "basic", "setting_projects": "WEB"}
    assert as_role(connected, role).post(page_of(connected), given).status_code == 403
    with tenant_scope(connected.tenant.pk):
        assert Integration.objects.get(pk=connected.row(Integration).pk).settings == {}
