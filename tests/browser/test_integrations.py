"""Connecting a source in a browser: test, choose, connect, run; with a mouse, and on a phone."""

import os
import re
from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django import Settings

from integrations.models import Integration
from jobs.models import JobRun
from mappings.seeds import seed_tenant
from sandbox.generate.world import World as Source
from tenants.models import Membership, Role, Tenant
from tenants.scope import tenant_scope
from tests.browser.conftest import Complaints
from tests.live.running import finish
from tests.live.served import Served, served

pytestmark = pytest.mark.browser

LOOPBACK = "127.0.0.0/8"


@pytest.fixture(scope="module")
def permitted() -> Iterator[None]:
    """Let the site that is served reach loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "EGRESS_ALLOWED_PRIVATE_CIDRS", LOOPBACK)
        yield


@pytest.fixture(scope="module")
def address(permitted: None, address: str) -> str:
    """Where the site is served, which may reach loopback."""
    return address


@pytest.fixture(scope="module")
def source() -> Iterator[Served]:
    """A small organisation."""
    with served(Source(items=40, seed=5, shape="v3", lean=True)) as found:
        yield found


@pytest.fixture
def person(transactional_db: None, settings: Settings) -> User:
    """An administrator of a tenant in which nothing is set up."""
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = (ip_network(LOOPBACK),)
    settings.LOAD_LINGER_SECONDS = 0.05
    tenant = Tenant.objects.create(slug="acme", name="Acme")
    user = User.objects.create(username="ann")
    with tenant_scope(tenant.pk):
        seed_tenant(tenant.pk)
        Membership.objects.create(tenant=tenant, user=user, role=Role.ADMIN)
    return user


def fill(page: Page, source: Served, token: str = "") -> None:
    """Give address and credentials of the source's Jira."""
    given = source.ready["jira"]
    page.get_by_label("Base URL").fill(given["base_url"])
    page.get_by_label("E-mail or user name").locator("visible=true").fill(given["user"])
    page.locator("#id_credential_basic_token").fill(token or given["token"])


def fits(page: Page) -> None:
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, f"{page.url} is {over} px too wide"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_source_is_connected_tested_chosen_from_and_run(
    page: Page,
    address: str,
    person: User,
    source: Served,
    enter: Callable[[User], None],
    complaints: Complaints,
    width: int,
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    enter(person)
    page.goto(f"{address}/admin/integrations/integration/")
    fits(page)
    page.get_by_role("link", name="Connect a source").click()
    page.get_by_role("link", name="Jira").click()
    expect(page.locator("#id_credential_oauth_client_id")).to_be_hidden()
    fill(page, source)
    fits(page)

    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#test-summary")).to_have_text("everything works")
    expect(page.locator("#test-steps li")).to_have_count(5)
    expect(page.locator("#test-steps")).to_contain_text("GET /jira/rest/api/3/myself")
    fits(page)

    page.locator("[data-picks=projects]").click()
    picker = page.get_by_role("dialog", name="Projects")
    expect(picker.locator(".etl-pick").first).to_be_visible()
    total = picker.locator(".etl-pick").count()
    keys = picker.locator(".etl-pick b").all_inner_texts()
    expect(picker.get_by_role("status")).to_have_text(f"{total} found, 0 chosen")
    picker.get_by_role("searchbox").fill(keys[1].lower())
    expect(picker.locator(".etl-pick")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(picker.get_by_role("status")).to_have_text(f"1 of {total} found, 1 chosen")
    page.keyboard.press("ArrowUp")
    expect(picker.get_by_role("searchbox")).to_be_focused()
    picker.get_by_role("searchbox").fill("")
    picker.locator(".etl-pick", has_text=keys[0]).click()
    picker.get_by_role("button", name="Use 2").click()
    expect(page.locator("#id_setting_projects")).to_have_value(f"{keys[1]}, {keys[0]}")
    expect(page.get_by_text("changes that are not saved")).to_be_visible()

    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator(".etl-toast")).to_contain_text("jira is connected")
    expect(page.locator("#id_credential_basic_token")).to_have_value("")
    fits(page)
    page.get_by_role("button", name="Run now").click()
    expect(page.locator(".etl-toast")).to_contain_text("is started")
    with tenant_scope(Tenant.objects.get(slug="acme").pk):
        run = JobRun.objects.get()
    assert finish(run)[0].state == JobRun.State.COMPLETED
    page.goto(f"{address}/admin/integrations/integration/")
    expect(page.locator("#result_list")).to_contain_text("Completed")
    expect(page.locator("#result_list")).to_contain_text(keys[0])
    fits(page)


def test_a_wrong_token_shows_the_step_that_failed_and_what_to_do(
    page: Page,
    address: str,
    person: User,
    source: Served,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> None:
    enter(person)
    page.goto(f"{address}/admin/integrations/integration/add/?provider=jira")
    fill(page, source, token="wrong-token-12345")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#test-summary")).to_have_text("something is wrong")
    expect(page.locator("#test-steps li").last).to_contain_text("sign in")
    expect(page.locator(".etl-remedy")).to_be_visible()


def test_what_is_missing_is_told_at_its_field_without_leaving_the_page(
    page: Page, address: str, person: User, source: Served, enter: Callable[[User], None]
) -> None:
    enter(person)
    page.goto(f"{address}/admin/integrations/integration/add/?provider=jira")
    page.get_by_label("Base URL").fill(source.ready["jira"]["base_url"])
    page.locator("[data-picks=projects]").click()
    wrong = page.locator("[data-field=credential_basic_token] [data-errors]")
    expect(wrong).to_have_text("API token is needed.")
    expect(page.get_by_role("dialog", name="Projects")).to_be_hidden()
    expect(page.locator("#id_credential_basic_user")).to_be_focused()
    page.locator("#id_method").select_option("oauth")
    expect(page.locator("#id_credential_oauth_client_id")).to_be_visible()
    expect(page.locator("#id_credential_basic_token")).to_be_hidden()


def test_the_health_follows_the_test_of_what_is_saved(
    page: Page,
    address: str,
    person: User,
    source: Served,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> None:
    source_row = source.connect("jira", tenant="acme")
    enter(person)
    page.goto(f"{address}/admin/integrations/integration/{source_row.pk}/change/")
    expect(page.locator("#health")).to_have_text("Not tested")
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#health")).to_have_text("Works")
    page.reload()
    expect(page.locator("#health-detail")).to_contain_text(re.compile("^Works"))
    page.get_by_role("link", name="Deactivate…").click()
    page.get_by_role("button", name="Deactivate jira").click()
    expect(page.locator(".etl-toast")).to_contain_text("is deactivated")
    with tenant_scope(source_row.tenant_id):
        assert not Integration.objects.get(pk=source_row.pk).is_active
