"""Links between work items and pull requests: mentions that name a live work item.

Nothing is stored: a link is there as soon as both sides are, whichever was loaded first, and is
gone as soon as the text, the work item, the pull request or its repository is.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from django.db import connection

from tenants.scope import check_writable
from warehouse.alive import gone_repositories
from warehouse.dialect import byte_order
from warehouse.models import Mention, WorkItem

CONFIDENCE: Final = {"branch": 0.95, "title": 0.9, "commit": 0.8, "body": 0.6}
"""How likely a mention in this place means that the pull request does the work, 0 to 1.

Branches are named for the work; titles too, but reverts and release notes name others' work;
a commit may have come with a merge; a body quotes templates, related and blocking items.
"""


MOST_PULLS: Final = 100
"""Pull requests of which the links to one work item are told."""


class Link(NamedTuple):
    """A link as `links_sql` gives it. Integrations are named as in the tenant's list.

    source: the place of the mention (branch, title, commit, body). reference: the commit's sha,
    else empty. matched_text: as it stands there, `abc-12` in a branch.
    """

    integration: str
    repository: str
    pull_request_number: int
    work_item_key: str
    work_item_source_id: str
    work_item_integration: str
    source: str
    reference: str
    matched_text: str
    confidence: float


def links_sql(is_live: str = "true") -> str:
    """Return the query of a tenant's links, in their order; its parameter is `tenant_id`.

    A work item of any integration of the tenant counts, so a key that two sites have links to
    both. Of the keys that one word may mean (`feature_ABC-12`) the longest there is wins. Text
    that names an item twice in one place gives one link, its first mention. is_live: a further
    condition that the mention `m` has to meet.
    """
    confidence = " ".join(f"WHEN '{place}' THEN {value}" for place, value in CONFIDENCE.items())
    order = ", ".join(
        (
            byte_order("integration"),
            byte_order("repository"),
            "pull_request_number",
            byte_order("work_item_key"),
            byte_order("work_item_integration"),
            byte_order("work_item_source_id"),
            "confidence DESC",
            byte_order("reference"),
        )
    )
    pull = (
        "SELECT 1 FROM pull_requests p WHERE p.tenant_id = m.tenant_id"
        " AND p.integration_id = m.integration_id AND p.repository = m.repository"
        " AND p.number = m.pull_request_number AND p.deleted_at"
    )
    return f"""
WITH meant AS (
    SELECT m.*, w.source_id AS item_source_id, w.integration_id AS item_integration_id,
        RANK() OVER (
            PARTITION BY m.integration_id, m.repository, m.pull_request_number, m.place,
                m.reference, m.position
            ORDER BY LENGTH(m.key) DESC
        ) AS by_length
    FROM pull_request_mentions m
    JOIN work_items w
        ON w.tenant_id = %(tenant_id)s AND w.key = m.key AND w.deleted_at IS NULL
    WHERE m.tenant_id = %(tenant_id)s AND {is_live}
        AND (EXISTS ({pull} IS NULL) OR NOT EXISTS ({pull} IS NOT NULL))
), numbered AS (
    SELECT meant.*, ROW_NUMBER() OVER (
        PARTITION BY integration_id, repository, pull_request_number, place, reference,
            item_integration_id, item_source_id
        ORDER BY position
    ) AS nth
    FROM meant WHERE by_length = 1
), link AS (
    SELECT i.name AS integration, n.repository, n.pull_request_number, n.key AS work_item_key,
        n.item_source_id AS work_item_source_id, wi.name AS work_item_integration,
        n.place AS source, n.reference, n.matched_text,
        CASE n.place {confidence} END AS confidence
    FROM numbered n
    JOIN integrations i ON i.id = n.integration_id AND i.tenant_id = n.tenant_id
    JOIN integrations wi ON wi.id = n.item_integration_id AND wi.tenant_id = n.tenant_id
    WHERE n.nth = 1
)
SELECT * FROM link ORDER BY {order}
"""


def links(
    tenant_id: int, only: str = "true", parameters: Mapping[str, str | int] | None = None
) -> Iterator[Link]:
    """Yield a tenant's links in their order; the scope must be that tenant's.

    only: a further condition of the mention `m`, true of all or of none of a pull request's.
    """
    check_writable(tenant_id)
    with connection.cursor() as cursor:
        is_live, gone = _of_live_repository()
        given = {"tenant_id": tenant_id, **gone, **(parameters or {})}
        cursor.execute(links_sql(f"{is_live} AND ({only})"), given)
        for row in cursor:
            values = dict(zip(Link._fields, row, strict=True))
            yield Link(**(values | {"confidence": float(values["confidence"])}))


PullRequestKey: TypeAlias = tuple[int, str, int]
"""Integration, repository, number."""


def links_of_pull_requests(tenant_id: int, pulls: Iterable[PullRequestKey]) -> Iterator[Link]:
    """Yield the links of some pull requests, in their order."""
    conditions, parameters = [], dict[str, str | int]()
    for place, (integration_id, repository, number) in enumerate(pulls):
        conditions.append(
            f"m.integration_id = {int(integration_id)} AND m.repository = %(repository_{place})s"
            f" AND m.pull_request_number = {int(number)}"
        )
        parameters[f"repository_{place}"] = repository
    if conditions:
        either = " OR ".join(f"({each})" for each in conditions)
        yield from links(tenant_id, either, parameters)


def links_of_item(item: WorkItem) -> Iterator[Link]:
    """Yield the links of a work item, in their order: of MOST_PULLS pull requests at most."""
    mentions = Mention.objects.filter(tenant_id=item.tenant_id, key=item.key)
    pulls = mentions.values_list("integration_id", "repository", "pull_request_number")
    newest = pulls.order_by("-repository", "-pull_request_number").distinct()[:MOST_PULLS]
    name = item.integration.name
    for link in links_of_pull_requests(item.tenant_id, newest):
        if (link.work_item_integration, link.work_item_source_id) == (name, item.source_id):
            yield link


def _of_live_repository() -> tuple[str, dict[str, str]]:
    """Return the condition that the repository of `m` is not gone, and its parameters."""
    conditions = ["true"]
    parameters: dict[str, str] = {}
    for integration_id, names in gone_repositories().items():
        given = {f"gone_{integration_id}_{place}": name for place, name in enumerate(names)}
        marks = ", ".join(f"%({name})s" for name in given)
        conditions.append(
            f"NOT (m.integration_id = {integration_id} AND m.repository IN ({marks}))"
        )
        parameters |= given
    return " AND ".join(conditions), parameters
