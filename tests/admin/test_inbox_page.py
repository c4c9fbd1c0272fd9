"""The inbox: what occurs without a rule is there, and nothing of anybody else."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from mappings.inbox import count_unmapped
from mappings.models import (
    Status,
    StatusResolution,
    Wit,
    WitHierarchy,
    WitMapping,
    WorkflowStep,
)
from tenants.models import Membership, Role, Tenant
from tenants.scope import tenant_scope
from tests.admin.inbox_pages import PAGE, entered, row, text_of, told
from tests.mappings.inbox_world import Imported, jira_only, rewrite
from tests.path.working import exported, load

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = "<script>alert(1)</script> \"'{{ 7*7 }}"


@pytest.fixture
def acme(tmp_path: Path) -> Imported:
    """A tenant of whose types Bug has no rule, and no status but those with rules by name."""
    imported = Imported("acme", jira_only(tmp_path / "acme"))
    imported.forget(types=["bug"], levels=[0], categories=True)
    return imported


@pytest.fixture
def editor(acme: Imported) -> Client:
    return entered(acme, "editor")


def test_what_occurs_without_a_rule_is_shown_with_counts_examples_and_a_suggestion(
    acme: Imported, editor: Client
) -> None:
    bugs = [item for item in exported("work_items") if item["source_type"] == "Bug"]
    page = text_of(editor)
    assert f"<b>{len(bugs)}</b> work items" in page
    shown = re.findall(r'/workitem/\d+/change/">([A-Z]+-\d+)<', page)
    assert set(shown) & {item["key"] for item in bugs}
    assert "Jira's starter rule for this name" in page
    assert "It is the name of your step Done of Default" in page
    assert "projects <bdi>OPS</bdi>, <bdi>PAY</bdi>, <bdi>SHOP</bdi>" in page


def test_names_are_grouped_whatever_project_or_type_they_occur_in(acme: Imported) -> None:
    entry = acme.entries()["status Done"]
    assert len(entry.resolution_ids) > len(entry.projects) > 1
    done = [item for item in exported("work_items") if item["source_status"] == "Done"]
    assert entry.item_count == len(done)


def test_the_sidebar_has_the_number_of_entries(acme: Imported, editor: Client) -> None:
    with acme.scope():
        assert count_unmapped() == len(acme.entries())
        assert count_unmapped(at_most=1) == 2
    page = text_of(editor)
    assert re.search(rf"<span>Inbox</span>\s*<span[^>]*>\s*{len(acme.entries())}\s*<", page)


def test_a_status_that_only_occurs_in_histories_says_so(acme: Imported, editor: Client) -> None:
    histories = [entry for entry in acme.entries().values() if entry.item_count == 0]
    assert histories
    assert text_of(editor).count("in histories only") == len(histories)


def test_a_new_status_that_a_run_brings_is_there_when_the_run_ends(tmp_path: Path) -> None:
    directory = jira_only(tmp_path / "first")
    acme = Imported("acme", directory)
    # A status without a category that only histories have.
    assert set(acme.entries()) == {"status Triage"}
    entered(acme, "editor").post(reverse("admin:mappings_inbox_accept"), row(acme, "status Triage"))
    assert "Everything has a rule" in text_of(entered(acme, "viewer"))

    def rename(issue: dict[str, Any]) -> None:
        if issue["fields"]["status"]["name"] == "Done":
            issue["fields"]["status"] = {
                "id": "77777",
                "name": "Frobnicated",
                "statusCategory": {"key": "undefined"},
            }
            issue["fields"]["updated"] = "2036-01-01T00:00:00.000+0000"

    rewrite(directory, "issues", rename)
    load(directory, tenant="acme")
    entry = acme.entries()["status Frobnicated"]
    items = [item for item in exported("work_items") if item["source_status"] == "Frobnicated"]
    assert entry.item_count == len(items) > 0
    page = text_of(entered(acme, "viewer"))
    assert "Frobnicated" in page
    assert reverse(PAGE) in entered(acme, "viewer").get(reverse("admin:index")).content.decode()


def test_a_viewer_sees_the_inbox_and_accepts_nothing(acme: Imported) -> None:
    viewer = entered(acme, "viewer")
    page = text_of(viewer)
    assert "Bug" in page
    assert "Accept" not in page.split('id="inbox"')[1]
    for name in ("accept", "confirm", "apply"):
        address = reverse(f"admin:mappings_inbox_{name}")
        assert viewer.post(address, row(acme, "type Bug")).status_code == 403
    assert "type Bug" in acme.entries()


def test_another_tenant_is_neither_seen_nor_learnt_from_nor_named(
    acme: Imported, editor: Client, tmp_path: Path
) -> None:
    alone = text_of(editor)
    globex = Imported("globex", jira_only(tmp_path / "globex"))
    with globex.scope():
        level = WitHierarchy.objects.create(tenant=globex.tenant, level=9, name="Secret level")
        rule = WitMapping.objects.get(from_name="bug")
        foreign_step = WorkflowStep.objects.get(name="Done")
    globex.edit(
        lambda: WitMapping.objects.filter(pk=rule.pk).update(target="Secret", hierarchy=level)
    )
    assert bare(text_of(editor)) == bare(alone)
    missing = 987_654_321
    for foreign in (
        {"place": f"level:{level.pk}"},
        {"like": str(rule.pk)},
        {"key": f"type:{globex.integration.pk}:bug"},
    ):
        (name, value), *_ = foreign.items()
        words = [told_of(editor, row(acme, "type Bug") | foreign)]
        absent = {name: re.sub(r"\d+", str(missing), value, count=1)}
        words.append(told_of(editor, row(acme, "type Bug") | absent))
        assert words[0] == words[1] != ""
    posted = row(acme, "status Done", place=f"step:{foreign_step.pk}")
    assert "choose a step" in told_of(editor, posted)
    assert "type Bug" in acme.entries()
    with globex.scope():
        assert WitMapping.objects.get(pk=rule.pk).target == "Secret"
    assert text_of(editor, integration=globex.integration.pk).count("inbox-row") == 0


def told_of(client: Client, posted: dict[str, Any]) -> str:
    client.post(reverse("admin:mappings_inbox_accept"), posted)
    return told(client)


def bare(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def test_filters_show_one_integration_or_one_kind(acme: Imported, editor: Client) -> None:
    kinds = re.compile(r'data-kind="(\w+)"')
    assert set(kinds.findall(text_of(editor, kind="type"))) == {"type"}
    assert set(kinds.findall(text_of(editor, kind="status"))) == {"status"}
    assert kinds.findall(text_of(editor, integration=acme.integration.pk))
    assert "Everything here has a rule" in text_of(editor, integration="987654321")


def test_hostile_names_are_shown_as_they_are_and_can_be_mapped(
    acme: Imported, editor: Client
) -> None:
    with acme.scope():
        Wit.objects.filter(name="Bug").update(name=HOSTILE)
    page = editor.get(reverse(PAGE)).content.decode()
    assert "<script>alert" not in page
    assert html.escape("<script>alert(1)</script>") in page
    editor.post(reverse("admin:mappings_inbox_accept"), row(acme, f"type {HOSTILE}", target="Bug"))
    assert f"type {HOSTILE}" not in acme.entries()


def test_what_the_source_never_described_is_shown_without_a_form(
    acme: Imported, editor: Client
) -> None:
    with acme.scope():
        StatusResolution.objects.create(
            tenant=acme.tenant,
            integration=acme.integration,
            project_source_id="1",
            type_source_id="1",
            status_source_id="4711",
        )
    page = text_of(editor)
    assert "id 4711" in page
    assert "The source never described it" in page


def test_the_page_asks_as_many_queries_for_many_entries_as_for_few(
    acme: Imported, editor: Client, django_assert_max_num_queries: Any
) -> None:
    editor.get(reverse(PAGE))
    with django_assert_max_num_queries(60) as few:
        editor.get(reverse(PAGE), {"kind": "status"})
    with acme.scope():
        pattern = Status.objects.first()
        some = StatusResolution.objects.first()
        assert pattern is not None
        assert some is not None
        for number in range(15):
            pattern.pk, pattern.source_id, pattern.name = None, f"n{number}", f"New {number}"
            pattern.save()
            some.pk, some.status_source_id, some.mapping_id = None, f"n{number}", None
            some.save()
    with django_assert_max_num_queries(len(few)):
        page = editor.get(reverse(PAGE), {"kind": "status"})
    assert page.content.decode().count("New 1") > 5


def test_what_is_more_than_a_page_is_on_the_next(acme: Imported, editor: Client) -> None:
    with acme.scope():
        pattern = Status.objects.first()
        some = StatusResolution.objects.first()
        assert pattern is not None
        assert some is not None
        for number in range(30):
            pattern.pk, pattern.source_id, pattern.name = None, f"n{number}", f"New {number:02}"
            pattern.save()
            some.pk, some.status_source_id, some.mapping_id = None, f"n{number}", None
            some.save()
    pages = [text_of(editor, page=number, kind="status") for number in (1, 2, 3)]
    names = [re.findall(r"<bdi>(New \d\d)</bdi>", page) for page in pages]
    assert sorted(names[0] + names[1]) == [f"New {number:02}" for number in range(30)]
    assert names[2] == names[1]
    assert 'rel="next"' in pages[0]
    assert "kind=status" in pages[0]
    assert 'rel="next"' not in pages[1]


def test_statuses_that_no_item_uses_are_listed_apart(acme: Imported, editor: Client) -> None:
    with acme.scope():
        pattern = Status.objects.first()
        assert pattern is not None
        pattern.pk, pattern.source_id, pattern.name = None, "unused-1", "Never used"
        pattern.save()
    assert "Never used" not in text_of(editor)
    assert "Never used" in text_of(editor, show="unused")


@pytest.mark.parametrize(
    ("has_integration", "words"),
    [(False, "Nothing is connected yet"), (True, "Nothing is loaded yet")],
)
def test_an_empty_inbox_says_what_to_do_next(has_integration: bool, words: str) -> None:
    tenant = Tenant.objects.create(name="New", slug="new")
    user = User.objects.create(username="newcomer")
    with tenant_scope(tenant.pk):
        Membership.objects.create(tenant=tenant, user=user, role=Role.ADMIN)
        if has_integration:
            Integration.objects.create(tenant=tenant, provider="jira", name="jira")
    client = Client()
    client.force_login(user)
    assert words in text_of(client)


def test_whoever_looks_at_every_tenant_is_asked_to_choose_one() -> None:
    client = Client()
    client.force_login(User.objects.create(username="operator", is_superuser=True))
    assert client.get(reverse(PAGE)).status_code == 302
