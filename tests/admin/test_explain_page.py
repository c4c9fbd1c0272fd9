"""Explain: on a work item, how each value and each metric came about."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.models import Integration, RawPage
from mappings.models import CustomFieldMapping, StatusMapping, StatusResolution
from tenants.models import Membership, Role, Tenant
from tenants.scope import tenant_scope
from tests.admin.world import World, make_world
from tests.conftest import OWN
from tests.path.working import load
from warehouse.explain_picture import MOST_SEGMENTS, SHOWN_VISITS
from warehouse.flow import recompute
from warehouse.models import Changelog, PullRequest, WorkItem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(django_user_model: Any) -> tuple[Client, Tenant]:
    """The tenant of our own recording, and a browser of one of its viewers."""
    load(OWN)
    tenant = Tenant.objects.get(slug="acme")
    user = django_user_model.objects.create(username="ann")
    with tenant_scope(tenant.pk):
        Membership.objects.create(tenant=tenant, user=user, role=Role.VIEWER)
    client = Client()
    client.force_login(user)
    return client, tenant


def address(row: Any) -> str:
    return reverse(f"admin:warehouse_{row._meta.model_name}_change", args=(row.pk,))


def page_of(client: Client, row: Any) -> str:
    answer = client.get(address(row))
    assert answer.status_code == 200
    return answer.content.decode()


def plain(text: str) -> str:
    """The words of a page."""
    text = re.sub(r"<(style|title)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def busiest(tenant: Tenant) -> WorkItem:
    """A done item with a start and the most visits."""
    with tenant_scope(tenant.pk):
        rows = WorkItem.objects.filter(cycle_time_seconds__gt=0, active_seconds__gt=0)
        row: WorkItem = max(
            rows,
            key=lambda r: Changelog.objects.filter(
                work_item_source_id=r.source_id, is_status=True
            ).count(),
        )
        return row


def rule_of(item: WorkItem) -> StatusMapping:
    """The rule of its present status."""
    assert item.status_resolution
    rule: StatusMapping | None = item.status_resolution.mapping
    assert rule
    return rule


def test_each_value_leads_to_its_place_in_the_raw_record(acme: tuple[Client, Tenant]) -> None:
    client, tenant = acme
    item = busiest(tenant)
    text = page_of(client, item)
    links = re.findall(r'class="ex-raw" href="([^"]+)".*?Raw record: ([^<]+)<', text, re.DOTALL)
    assert {what for _, what in links} >= {"Title", "Type", "Status", "Assignee", "This change"}
    for url, what in links:
        answer = client.get(unescape(url))
        assert answer.status_code == 200
        assert b'<mark id="place">' in answer.content, (what, url)
    [status] = [unescape(url) for url, what in links if what == "Status"]
    marked = client.get(status).content.decode().split('<mark id="place">')[1].split("</mark>")[0]
    assert unescape(marked) == f'"name": "{item.source_status}"'


def test_each_visit_names_its_rule_step_and_what_it_counts_as(acme: tuple[Client, Tenant]) -> None:
    client, tenant = acme
    item = busiest(tenant)
    text = page_of(client, item)
    with tenant_scope(tenant.pk):
        changes = Changelog.objects.filter(work_item_source_id=item.source_id, is_status=True)
        assert len(re.findall(r'<tr id="visit-\d+"', text)) == 1 + changes.count()
        rule = rule_of(item)
        assert rule.step
        assert reverse("admin:mappings_statusmapping_change", args=(rule.pk,)) in text
        assert reverse("admin:mappings_workflow_change", args=(rule.step.workflow_id,)) in text
    words = plain(text)
    assert "counts as active" in words
    assert "Why this rule" in words
    assert "The only rule that matches." in words
    for label in ("Committed", "Started", "Done"):
        assert f"{label} " in words
    assert "From its start until it was done." in words


def test_the_rule_that_wins_comes_before_those_that_match_too(acme: tuple[Client, Tenant]) -> None:
    client, tenant = acme
    item = busiest(tenant)
    with tenant_scope(tenant.pk):
        winner = rule_of(item)
        StatusMapping.objects.create(
            tenant=tenant,
            from_name=item.source_status.casefold(),
            target="Elsewhere",
            category="waiting",
        )
    words = plain(page_of(client, item))
    first, second = f"{winner} in {winner.integration}", "→ Elsewhere in every integration"
    assert words.index("Wins: ") < words.index("Matches too, but ")
    assert (first in words) or str(winner.target) in words
    assert second in words


def test_an_unmapped_status_says_so(acme: tuple[Client, Tenant]) -> None:
    client, tenant = acme
    item = busiest(tenant)
    with tenant_scope(tenant.pk):
        StatusMapping.objects.update(is_active=False)
        StatusResolution.objects.update(mapping=None)
        recompute(tenant.pk, item.integration_id, "true", (), 10_000)
    words = plain(page_of(client, item))
    assert "Unmapped" in words
    assert "No active rule matches it." in words
    assert "mapped by no rule" in words
    assert "unmapped_status" in words


def test_a_custom_field_says_what_it_becomes_and_which_of_two_comes_first(
    acme: tuple[Client, Tenant],
) -> None:
    client, tenant = acme
    item = busiest(tenant)
    with tenant_scope(tenant.pk):
        fields = {"customfield_1": "Blue 7", "customfield_2": "Red"}
        for position, field in enumerate(fields):
            CustomFieldMapping.objects.create(
                tenant=tenant,
                integration=item.integration,
                field_source_id=field,
                target="column",
                column_name="squad",
                position=position,
            )
        WorkItem.objects.filter(pk=item.pk).update(
            custom_fields=fields, mapped_fields={"columns": {"squad": "Blue 7"}}
        )
    words = re.sub(r" ([:,])", r"\1", plain(page_of(client, item)))
    assert words.count("becomes squad") == 2
    assert words.count("becomes squad: Blue 7") == 1
    assert words.count("becomes squad, but “customfield_1” comes first") == 1


def test_metrics_that_are_of_other_rules_are_said_to_be(acme: tuple[Client, Tenant]) -> None:
    client, tenant = acme
    item = busiest(tenant)
    with tenant_scope(tenant.pk):
        WorkItem.objects.filter(pk=item.pk).update(active_seconds=1.5)
    words = plain(page_of(client, item))
    assert "The rules have changed" in words
    assert "From its start until it was done." not in words


def test_a_page_that_is_no_longer_kept_is_said_to_be_gone(acme: tuple[Client, Tenant]) -> None:
    client, tenant = acme
    item = busiest(tenant)
    with tenant_scope(tenant.pk):
        RawPage.objects.all().delete()
        pull = PullRequest.objects.first()
        assert pull is not None
    for row in (item, pull):
        text = page_of(client, row)
        assert "no longer kept" in plain(text)
        assert "ex-raw" not in text


def test_the_values_of_a_pull_request_lead_to_their_places(acme: tuple[Client, Tenant]) -> None:
    client, tenant = acme
    with tenant_scope(tenant.pk):
        pull = PullRequest.objects.filter(merged_at__isnull=False).first()
        assert pull is not None
    text = page_of(client, pull)
    links = re.findall(r'class="ex-raw" href="([^"]+)".*?Raw record: ([^<]+)<', text, re.DOTALL)
    assert {what for _, what in links} >= {"Title", "State", "Author", "Merged"}
    for url, what in links:
        answer = client.get(unescape(url)).content
        assert b'<mark id="place">' in answer or what in ("This commit", "This comment"), url


def grow(item: WorkItem, tenant: Tenant, count: int) -> None:
    """Let the item have so many more changes of its status, each from a page of its own."""
    with tenant_scope(tenant.pk):
        known = list(
            Changelog.objects.filter(
                work_item_source_id=item.source_id,
                integration_id=item.integration_id,
                is_status=True,
            ).order_by("changed_at")
        )
        page = RawPage.objects.get(pk=item.raw_page_id)
        last = known[-1]
        for number in range(count):
            page.pk, page.url_digest = None, f"page {item.pk} {number} {last.source_id}"
            page.save(force_insert=True)
            last.source_id = f"9{len(known):08}{number:08}"
            last.changed_at += timedelta(minutes=7)
            last.from_value, last.to_value = last.to_value, last.from_value
            last.from_text, last.to_text = last.to_text, last.from_text
            last.author_source_id = f"author {number}"
            last.raw_page_id = page.pk
            Changelog.objects.bulk_create([last])
        recompute(tenant.pk, item.integration_id, "true", (), 20_000)


def queries(client: Client, row: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page_of(client, row)
    return len(asked)


def test_a_history_of_a_thousand_changes_asks_no_more_queries_and_is_cut_with_a_word(
    acme: tuple[Client, Tenant],
) -> None:
    client, tenant = acme
    item = busiest(tenant)
    page_of(client, item)
    few = queries(client, item)
    assert few < 45
    grow(item, tenant, 1000)
    assert queries(client, item) == few
    text = page_of(client, item)
    assert len(re.findall(r'<tr id="visit-\d+"', text)) == SHOWN_VISITS
    assert re.search(r"\d+ visits between are left out here", text)
    assert re.search(r"the newest 200; \d+ older ones are left out", text)
    assert text.count("ex-segment") == MOST_SEGMENTS
    assert "The rules have changed" not in text
    assert len(text) < 900_000


def test_nothing_of_another_tenant_is_told(acme: tuple[Client, Tenant]) -> None:
    client, tenant = acme
    theirs = make_world("theirs")
    foreign = theirs.row(WorkItem)
    item = busiest(tenant)
    with tenant_scope(theirs.tenant.pk):
        rule = theirs.row(StatusMapping)
        rule.from_name = item.source_status.casefold()
        rule.save()
    assert theirs.canary not in page_of(client, item)
    answer = client.get(address(foreign))
    missing = client.get(reverse("admin:warehouse_workitem_change", args=(987_654_321,)))
    assert answer.status_code == missing.status_code == 404


def test_a_row_whose_provider_is_gone_is_explained_without_places(
    ours: World, as_admin: Client
) -> None:
    row = ours.row(WorkItem)
    with tenant_scope(ours.tenant.pk):
        WorkItem.objects.update(raw_page_id=ours.row(RawPage).pk)
    assert ours.row(Integration).provider not in ("jira", "github")
    text = page_of(as_admin, row)
    assert "Time in each status" in text
    assert "?record=" in text


def test_colours_of_all_categories_are_there() -> None:
    styles = (Path(__file__).resolve().parents[2] / "static/etl/explain.css").read_text()
    for tone in ("to-do", "in-progress", "waiting", "done", "discarded", "unmapped"):
        for name in (f".ex-fill-{tone}", f".ex-back-{tone}", f".ex-tag-{tone}::before"):
            assert name in styles
        assert styles.count(f"--ex-{tone}:") == 2  # light and dark
