"""The pages of an integration against real servers: test, discover, connect, run."""

import json
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from integrations.checking import check
from integrations.models import Integration
from jobs.models import JobRun
from mappings.models import WitMapping
from sandbox.generate.world import World as Source
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.live.running import finish
from tests.live.served import Served, served
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)

NAMED = "admin:integrations_integration"


@pytest.fixture(scope="module")
def source() -> Iterator[Served]:
    """A small organisation."""
    with served(Source(items=40, seed=5, shape="v3", lean=True)) as found:
        yield found


@pytest.fixture(autouse=True)
def near(source: Served, settings: Settings) -> None:
    """Let integrations reach loopback; nothing fails."""
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = (ip_network("127.0.0.0/8"),)
    settings.LOAD_LINGER_SECONDS = 0.05
    source.heal()


def jira_form(source: Served, **changed: str) -> dict[str, str]:
    given = source.ready["jira"]
    return {
        "provider": "jira",
        "name": "site",
        "base_url": given["base_url"],
        "method": "basic",
        "credential_basic_user": given["user"],
        "credential_basic_token": given["token"],
        "setting_sprints": "on",
        "setting_flavour": "cloud",
        "starter": "on",
        **changed,
    }


def github_form(source: Served, **changed: str) -> dict[str, str]:
    given = source.ready["github"]
    return {
        "provider": "github",
        "name": "hub",
        "base_url": given["base_url"],
        "method": "token",
        "credential_token_token": given["token"],
        **changed,
    }


def lines_of(client: Client, given: dict[str, str], row: Integration | None = None) -> Any:
    """Test the values of a form; return the lines of the answer."""
    address = reverse(f"{NAMED}_test", args=(row.pk,)) if row else reverse(f"{NAMED}_test_new")
    answer: Any = client.post(address, given)
    assert answer.status_code == 200, answer.content
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def found(
    client: Client, given: dict[str, str], picks: str, search: str = "", row: Any = None
) -> Any:
    """Discover by the values of a form; return status and answer."""
    named = f"{NAMED}_discover"
    address = reverse(named, args=(row.pk,)) if row else reverse(f"{named}_new")
    answer = client.post(address, {**given, "picks": picks, "search": search})
    return answer.status_code, answer.json()


def connected(client: Client, ours: World, given: dict[str, str]) -> Integration:
    answer = client.post(reverse(f"{NAMED}_add"), given)
    assert answer.status_code == 302, answer.content.decode()
    with tenant_scope(ours.tenant.pk):
        row: Integration = Integration.objects.get(name=given["name"])
    return row


def test_from_the_form_to_loaded_items(source: Served, ours: World, as_admin: Client) -> None:
    given = jira_form(source)
    *steps, end = lines_of(as_admin, given)
    assert [each["ok"] for each in steps] == [True] * len(steps)
    assert (end["ok"], end["saved"]) == (True, False)

    _, projects = found(as_admin, given, "projects")
    chosen = [each["value"] for each in projects["found"]][:2]
    row = connected(as_admin, ours, {**given, "setting_projects": ",".join(chosen)})
    with tenant_scope(ours.tenant.pk):
        assert WitMapping.objects.count() > 1

    page = as_admin.post(reverse("admin:jobs_run_now", args=(row.pk,)), follow=True)
    text = page.content.decode()
    with tenant_scope(ours.tenant.pk):
        run = JobRun.objects.get(integration=row)
    address = reverse("admin:jobs_jobrun_change", args=(run.pk,))
    assert f'<a href="{address}">{run.pk}</a> of site is started' in text
    finish(run)
    with tenant_scope(ours.tenant.pk):
        loaded = {item.key.partition("-")[0] for item in WorkItem.objects.filter(integration=row)}
    assert loaded
    assert loaded <= set(chosen)
    listed = as_admin.get(reverse(f"{NAMED}_changelist")).content.decode()
    assert "Completed" in listed


def test_a_second_run_is_refused_with_a_link_to_the_one_that_goes_on(
    source: Served, ours: World, as_admin: Client
) -> None:
    row = connected(as_admin, ours, jira_form(source))
    start = reverse("admin:jobs_run_now", args=(row.pk,))
    as_admin.post(start)
    text = as_admin.post(start, follow=True).content.decode()
    with tenant_scope(ours.tenant.pk):
        run = JobRun.objects.get(integration=row)
    address = reverse("admin:jobs_jobrun_change", args=(run.pk,))
    assert f'Run <a href="{address}">{run.pk}</a> still goes on' in text
    cancelled = as_admin.post(reverse("admin:jobs_run_cancel", args=(run.pk,)), follow=True)
    assert "is cancelled" in cancelled.content.decode()
    assert finish(run)[0].state == JobRun.State.CANCELLED


def test_a_backfill_begins_on_the_day_that_was_given(
    source: Served, ours: World, as_admin: Client
) -> None:
    row = connected(as_admin, ours, jira_form(source))
    start = reverse("admin:jobs_run_now", args=(row.pk,))
    text = as_admin.post(start, {"mode": "backfill"}, follow=True).content.decode()
    assert "A backfill needs since" in text
    page = as_admin.post(start, {"mode": "backfill", "since": "2025-13-01"}, follow=True)
    assert "is no day" in page.content.decode()
    as_admin.post(start, {"mode": "backfill", "since": "2025-06-01", "until": "2025-07-01"})
    with tenant_scope(ours.tenant.pk):
        run = JobRun.objects.get(integration=row)
    assert run.params["window"] == {
        "since": "2025-06-01T00:00:00+00:00",
        "until": "2025-07-01T00:00:00+00:00",
    }


def test_the_test_of_what_is_saved_is_kept_as_its_health(
    source: Served, ours: World, as_admin: Client
) -> None:
    row = connected(as_admin, ours, jira_form(source))
    kept = jira_form(source, credential_basic_user="", credential_basic_token="")
    end = lines_of(as_admin, kept, row)[-1]
    assert (end["ok"], end["saved"]) == (True, True)
    with tenant_scope(ours.tenant.pk):
        row.refresh_from_db()
    assert row.is_healthy is True
    end = lines_of(as_admin, {**kept, "setting_projects": "NOPE"}, row)[-1]
    assert (end["ok"], end["saved"]) == (False, False)
    with tenant_scope(ours.tenant.pk):
        row.refresh_from_db()
    assert row.is_healthy is True, "what is not saved says nothing about what is"


def test_a_test_that_was_overtaken_by_an_edit_says_nothing_of_the_health(
    source: Served, ours: World, as_admin: Client
) -> None:
    row = connected(as_admin, ours, jira_form(source))
    with tenant_scope(ours.tenant.pk):
        tested = Integration.objects.get(pk=row.pk)
        row.save()
        assert all(each.is_ok for each in check(tested))
        row.refresh_from_db()
    assert row.is_healthy is None


def test_a_wrong_token_fails_at_signing_in_and_says_what_to_do(
    source: Served, as_admin: Client
) -> None:
    *_, failed, end = lines_of(
        as_admin, jira_form(source, credential_basic_token="wrong-token-12345")
    )
    assert (failed["step"], failed["ok"], end["ok"]) == ("sign in", False, False)
    assert failed["remedy"]
    assert "wrong-token-12345" not in json.dumps([failed, end])


def test_kept_credentials_are_not_tried_at_another_address(
    source: Served, ours: World, as_admin: Client
) -> None:
    row = connected(as_admin, ours, jira_form(source))
    elsewhere = jira_form(
        source,
        base_url="http://127.0.0.1:9/jira",
        credential_basic_user="",
        credential_basic_token="",
    )
    for name in ("test", "discover"):
        answer = as_admin.post(reverse(f"{NAMED}_{name}", args=(row.pk,)), elsewhere)
        assert answer.status_code == 422
        assert "enter them again" in answer.json()["errors"]["base_url"][0]


def test_what_is_wrong_with_the_values_is_told_by_field(source: Served, as_admin: Client) -> None:
    wrong = jira_form(source, credential_basic_token="", setting_page_size="0")
    answer = as_admin.post(reverse(f"{NAMED}_test_new"), wrong)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"credential_basic_token", "setting_page_size"}


@pytest.mark.parametrize(
    ("picks", "has"),
    [("projects", "detail"), ("boards", "name"), ("custom_fields", "name")],
)
def test_jira_shows_what_there_is_to_choose_from(
    source: Served, as_admin: Client, picks: str, has: str
) -> None:
    status, answer = found(as_admin, jira_form(source), picks)
    assert status == 200, answer
    assert answer["is_all"]
    assert answer["found"]
    assert all(each["value"] and each[has] for each in answer["found"])
    one = answer["found"][0]
    word = one["name"].split()[0]
    _, searched = found(as_admin, jira_form(source), picks, word)
    assert one in searched["found"]
    assert len(searched["found"]) <= len(answer["found"])
    assert found(as_admin, jira_form(source), picks, "no-such-thing")[1]["found"] == []


def test_github_shows_repositories(source: Served, as_admin: Client) -> None:
    status, answer = found(as_admin, github_form(source), "repositories")
    assert status == 200, answer
    true = {row["full_name"] for row in source.rows("repositories")}
    assert {each["value"] for each in answer["found"]} == true


def test_a_source_that_cannot_be_reached_says_so(as_admin: Client, source: Served) -> None:
    status, answer = found(as_admin, jira_form(source, base_url="http://127.0.0.1:9"), "projects")
    assert status == 502
    assert "127.0.0.1:9" in answer["error"]


def test_what_cannot_be_chosen_is_refused(as_admin: Client, source: Served) -> None:
    status, answer = found(as_admin, jira_form(source), "secrets")
    assert (status, "has no 'secrets' to choose from" in answer["error"]) == (502, True)


def test_an_inactive_integration_is_not_run(source: Served, ours: World, as_admin: Client) -> None:
    row = connected(as_admin, ours, jira_form(source))
    address = reverse(f"{NAMED}_active", args=(row.pk,))
    asked = as_admin.get(address).content.decode()
    assert "Deactivate site?" in asked
    with tenant_scope(ours.tenant.pk):
        row.refresh_from_db()
        assert row.is_active, "asking does nothing"
    assert (
        "site is deactivated"
        in as_admin.post(address, {"active": "no"}, follow=True).content.decode()
    )
    start = reverse("admin:jobs_run_now", args=(row.pk,))
    assert "is not active" in as_admin.post(start, follow=True).content.decode()
    assert (
        "site is activated"
        in as_admin.post(address, {"active": "yes"}, follow=True).content.decode()
    )
    assert "is started" in as_admin.post(start, follow=True).content.decode()
