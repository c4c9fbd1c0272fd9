"""What the pages of one work item and one pull request show."""

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Q

from warehouse.explain_page import Explanation
from warehouse.explain_values import Lineages
from warehouse.models import (
    Account,
    Changelog,
    Comment,
    Commit,
    Mention,
    PullRequest,
    PullRequestSize,
    Review,
    Sprint,
    WorkItem,
)

SHOWN: Final = 200
"""Rows of each kind on a page; the page says when there are more."""


def work_item_page(item: WorkItem) -> dict[str, Any]:
    """Return the context of a work item's page. A fixed number of queries."""
    item.refresh_from_db(fields=("description", "custom_fields"))  # left out by lists
    changes = Changelog.objects.filter(
        tenant_id=item.tenant_id,
        integration_id=item.integration_id,
        work_item_source_id=item.source_id,
    )
    newest = list(changes.order_by("-changed_at", "-source_id", "-position")[:SHOWN])
    explanation = Explanation(item, newest)
    of_item = [item.assignee_source_id, item.reporter_source_id, item.creator_source_id]
    people = _accounts(item, [*explanation.authors(), *of_item])
    return {
        "item": item,
        "type_rule": item.wit_resolution.mapping if item.wit_resolution else None,
        "status_rule": item.status_resolution.mapping if item.status_resolution else None,
        "assignee": people.get(item.assignee_source_id),
        "reporter": people.get(item.reporter_source_id),
        "creator": people.get(item.creator_source_id),
        "changes_left_out": max(changes.count() - SHOWN, 0),
        "sprints": _of_source(Sprint, item).filter(source_id__in=item.sprint_source_ids),
        "pull_requests": _pull_requests_that_mention(item),
        "parent": _parent(item),
        "children": WorkItem.objects.filter(
            tenant_id=item.tenant_id,
            integration_id=item.integration_id,
            parent_source_id=item.source_id,
        ).only("id", "key", "title", "source_status")[:50],
        **explanation.context(people),
    }


def pull_request_page(row: PullRequest) -> dict[str, Any]:
    """Return the context of a pull request's page. A fixed number of queries."""
    of_it = {"repository": row.repository, "pull_request_number": row.number}
    mentions = _of_source(Mention, row).filter(**of_it).order_by("key")[:SHOWN]
    keys = {mention.key: mention for mention in mentions}
    items = WorkItem.objects.filter(tenant_id=row.tenant_id, key__in=keys).only(
        "id", "key", "title", "source_status"
    )
    size = _of_source(PullRequestSize, row).filter(source_id=row.source_id).first()
    commits = list(_of_source(Commit, row).filter(**of_it).order_by("position")[:SHOWN])
    reviews = list(_of_source(Review, row).filter(**of_it).order_by("submitted_at")[:SHOWN])
    comments = list(_of_source(Comment, row).filter(**of_it).order_by("created_at")[:SHOWN])
    lineages = Lineages(row.integration, [row, size, *commits, *reviews, *comments])
    return {
        "pull_request": row,
        "lineage": lineages.of(row),
        "size": size,
        "size_lineage": lineages.of(size) if size else None,
        "commits": [(commit, lineages.of(commit, commit.sha)) for commit in commits],
        "reviews": [(review, lineages.of(review)) for review in reviews],
        "comments": [(comment, lineages.of(comment)) for comment in comments],
        "links": [(item, keys[item.key]) for item in items[:50]],
    }


def _of_source(model: Any, row: WorkItem | PullRequest) -> Any:
    return model.objects.filter(tenant_id=row.tenant_id, integration_id=row.integration_id)


def _accounts(item: WorkItem, source_ids: Iterable[str | None]) -> dict[str | None, Account]:
    wanted = {source_id for source_id in source_ids if source_id}
    return {row.source_id: row for row in _of_source(Account, item).filter(source_id__in=wanted)}


def _parent(item: WorkItem) -> WorkItem | None:
    if not item.parent_source_id and not item.parent_key:
        return None
    match = Q(source_id=item.parent_source_id) if item.parent_source_id else Q(key=item.parent_key)
    found: WorkItem | None = _of_source(WorkItem, item).filter(match).first()
    return found


def _pull_requests_that_mention(item: WorkItem) -> list[tuple[PullRequest, Mention]]:
    mentions = list(
        Mention.objects.filter(tenant_id=item.tenant_id, key=item.key).order_by("-id")[:SHOWN]
    )
    by_place = {(m.integration_id, m.repository, m.pull_request_number): m for m in mentions}
    match = Q(pk__in=())
    for integration_id, repository, number in list(by_place)[:50]:
        match |= Q(integration_id=integration_id, repository=repository, number=number)
    found = PullRequest.objects.filter(match, tenant_id=item.tenant_id).order_by("-created_at")
    return [(row, by_place[row.integration_id, row.repository, row.number]) for row in found[:50]]
