"""Flow metrics of work items: the one definition, as set-based SQL. `docs/metrics.md` explains it.

The policies by name, each at its place in the SQL below:

- current_type: all of the history is read by the rules of the item's current project and type;
- history_decides: the status changes say where an item was; its current status counts only
  where there is none;
- same_instant: changes of one instant are in the order of their history's number, then position;
- truncated_history: an item whose changes are not all loaded has no metrics;
- unmapped_status: time in a status without a rule is neither active nor waiting, commits to
  nothing and ends a run of done;
- unplaced_step: where positions cannot tell (no step, a step or a commitment point without a
  number, no commitment point), in progress, waiting and done are past commitment;
- discarded: to discard is not to commit; an item that ends discarded is not done;
- first_start: started is the first entry into in progress or waiting once committed;
  back to To Do takes back neither, and time there is neither active nor waiting;
- last_done: done is the start of the last unbroken run of done statuses, and only if the
  item is in it still: reopening takes it back, Resolved → Closed does not move it;
- skipped_active: done without a start has a lead time and no cycle time;
- created_done: an item that was done from its creation has a lead time of 0 and no cycle time;
- created_after_history: a span that ends before it begins is null, never negative, and of time
  before creation nothing counts towards a span that begins with it.
"""

from collections.abc import Sequence
from typing import Final

from django.db import connection

from warehouse.dialect import byte_order, distinct, elapsed, hashed_left, microseconds

METRICS: Final = (
    "committed_at",
    "started_at",
    "done_at",
    "lead_time_seconds",
    "cycle_time_seconds",
    "active_seconds",
    "waiting_seconds",
)

_ITEMS = """
SELECT ROW_NUMBER() OVER () AS item_no, r.tenant_id, r.integration_id, r.source_id,
    r.project_source_id, r.type_source_id, r.status_source_id, r.created_at, r.all_changes_loaded
FROM {items_relation} AS r
"""

# What each (project, type, status) that occurs means. The step, where there is one, says more
# than its rule. c is the commitment point of the step's workflow.
_MEANINGS = """
SELECT r.tenant_id, r.integration_id, r.project_source_id, r.type_source_id, r.status_source_id,
    COALESCE(s.category, m.category) AS category,
    CASE
        WHEN COALESCE(s.category, m.category) = 'discarded' THEN 0
        WHEN s.is_commitment_point THEN 1
        WHEN s.position >= c.position THEN 1
        WHEN s.position < c.position THEN 0
        WHEN COALESCE(s.category, m.category) IN ('in_progress', 'waiting', 'done') THEN 1
        ELSE 0
    END AS commits
FROM {resolutions} r
JOIN status_mappings m ON m.id = r.mapping_id
LEFT JOIN workflow_steps s ON s.id = m.step_id
LEFT JOIN workflow_steps c ON c.workflow_id = s.workflow_id AND c.is_commitment_point
WHERE (r.tenant_id, r.integration_id)"""

# A row a status change: what the item left and what it came into. An item without changes has one
# row that leaves its current status; one whose changes are not all there is in no status ever.
_CHANGES = """
SELECT i.item_no, i.tenant_id, i.integration_id, i.source_id, i.created_at,
    c.source_id AS history_id, c.position, c.changed_at,
    l.category AS left_category, l.commits AS left_commits, m.category, m.commits
FROM item i
LEFT JOIN {changes} c ON c.tenant_id + 0 = i.tenant_id
    AND c.integration_id = i.integration_id AND c.work_item_source_id = i.source_id
    AND c.is_status AND i.all_changes_loaded
{hashed} JOIN meaning l ON l.tenant_id = i.tenant_id AND l.integration_id = i.integration_id
    AND l.project_source_id = i.project_source_id AND l.type_source_id = i.type_source_id
    AND l.status_source_id = CASE
        WHEN c.changed_at IS NOT NULL THEN c.from_value
        WHEN i.all_changes_loaded THEN i.status_source_id
    END
{hashed} JOIN meaning m ON m.tenant_id = i.tenant_id AND m.integration_id = i.integration_id
    AND m.project_source_id = i.project_source_id AND m.type_source_id = i.type_source_id
    AND m.status_source_id = c.to_value
WHERE CASE WHEN i.item_no IS NULL THEN 0 ELSE 1 END = 1
"""

# The changes in their order: until when each held, and where the item was first.
_WALK = """
SELECT item_no, tenant_id, integration_id, source_id, created_at, changed_at, commits,
    CASE WHEN changed_at IS NULL THEN left_category ELSE category END AS category,
    LEAD(changed_at) OVER so_far AS until,
    MAX(commits) OVER so_far AS has_committed,
    FIRST_VALUE(left_category) OVER so_far AS first_category,
    FIRST_VALUE(left_commits) OVER so_far AS first_commits
FROM status_change
WINDOW so_far AS (
    PARTITION BY item_no ORDER BY changed_at, LENGTH(history_id), {history_id}, position
    ROWS UNBOUNDED PRECEDING
)
"""

_STAGES = """
SELECT item_no, tenant_id, integration_id, source_id, created_at, changed_at, commits, category,
    until, first_category, first_commits,
    CASE WHEN first_commits = 1 OR has_committed = 1 THEN 1 ELSE 0 END AS is_committed,
    CASE WHEN first_commits = 1 AND first_category IN ('in_progress', 'waiting') THEN 1 ELSE 0
    END AS is_started_first
FROM walk
"""

# Changes are in order of time, so the earliest of some is the first of them, and the end of the
# last that is not done is the latest end of any that is not. Creation alone may come after
# changes: a span that starts with it counts nothing before it.
_SPANS = """
SELECT MAX(tenant_id) AS tenant_id, MAX(integration_id) AS integration_id,
    MAX(source_id) AS source_id, MAX(created_at) AS created_at,
    MAX(first_category) AS first_category, MAX(first_commits) AS first_commits,
    MAX(is_started_first) AS is_started_first,
    MIN(changed_at) AS first_changed_at,
    MIN(CASE WHEN commits = 1 THEN changed_at END) AS committed_at,
    MIN(CASE WHEN is_committed = 1 AND category IN ('in_progress', 'waiting') THEN changed_at END)
        AS started_at,
    MAX(CASE WHEN until IS NULL AND category = 'done' THEN 1 ELSE 0 END) AS ends_done,
    MAX(CASE WHEN category = 'done' THEN NULL ELSE until END) AS last_open_until,
    SUM(CASE WHEN category = 'in_progress' THEN {counted} END) AS active,
    SUM(CASE WHEN category = 'waiting' THEN {counted} END) AS waiting
FROM stage
GROUP BY item_no
"""

# Once committed, nothing is active or waiting before the start or after the last done.
_COUNTED = """
CASE
    WHEN is_committed = 0 THEN NULL
    WHEN is_started_first = 0 OR changed_at >= created_at THEN {whole}
    WHEN until > created_at THEN {since_creation}
END
"""

_POINTS = """
SELECT tenant_id, integration_id, source_id, created_at,
    CASE WHEN first_commits = 1 THEN created_at ELSE committed_at END AS committed_at,
    CASE WHEN is_started_first = 1 THEN created_at ELSE started_at END AS started_at,
    CASE
        WHEN ends_done = 0 THEN NULL
        WHEN last_open_until IS NOT NULL THEN last_open_until
        WHEN first_category = 'done' THEN created_at
        ELSE first_changed_at
    END AS done_at,
    COALESCE({active}, 0) + CASE WHEN first_category = 'in_progress' THEN {first} ELSE 0 END
        AS active,
    COALESCE({waiting}, 0) + CASE WHEN first_category = 'waiting' THEN {first} ELSE 0 END
        AS waiting
FROM span
"""

# The time between creation and the first change, where it counts.
_FIRST = "CASE WHEN is_started_first = 1 AND first_changed_at > created_at THEN {0} ELSE 0 END"

_METRICS = """
SELECT tenant_id, integration_id, source_id, committed_at, started_at, done_at,
    CASE WHEN done_at >= created_at THEN {lead} END AS lead_time_seconds,
    CASE WHEN done_at >= started_at THEN {cycle} END AS cycle_time_seconds,
    CASE WHEN done_at >= started_at THEN {active} END AS active_seconds,
    CASE WHEN done_at >= started_at THEN {waiting} END AS waiting_seconds
FROM point
"""


def meanings_sql(resolutions: str, owners: str) -> str:
    """Return a SELECT of what each (project, type, status) that occurs means for the metrics.

    resolutions: `status_resolutions`, or a relation with its columns. owners: a SELECT of the
    (tenant_id, integration_id) to read.
    """
    return f"{_MEANINGS.format(resolutions=resolutions)} IN ({owners})"


def metrics_sql(
    items_relation: str,
    resolutions: str = "status_resolutions",
    meanings: str = "",
    changes: str = "work_item_changelogs",
) -> str:
    """Return a SELECT of tenant_id, integration_id, source_id and METRICS, a row an item.

    items_relation: a table or sub-select with tenant_id, integration_id, source_id,
    project_source_id, type_source_id, status_source_id, created_at, all_changes_loaded; one row
    an item. Parameters of it are the only ones of the statement. Of the changelogs only those
    of its items are read. resolutions: as of `meanings_sql`. meanings: a SELECT that gives what
    that one gives, instead of it. changes: a relation with CHANGE_COLUMNS of their status changes.
    """
    counted = _COUNTED.format(
        whole=elapsed("changed_at", "until"), since_creation=elapsed("created_at", "until")
    )
    parts = {
        "item": _ITEMS.format(items_relation=items_relation),
        "meaning": meanings or meanings_sql(resolutions, _OWNERS),
        "status_change": _CHANGES.format(hashed=hashed_left(), changes=changes),
        "walk": _WALK.format(history_id=byte_order("history_id")),
        "stage": _STAGES,
        "span": _SPANS.format(counted=counted),
        "point": _POINTS.format(
            active=microseconds("active"),
            waiting=microseconds("waiting"),
            first=_FIRST.format(microseconds(elapsed("created_at", "first_changed_at"))),
        ),
    }
    named = ", ".join(
        f"{name} AS {'MATERIALIZED ' if name in _REUSED else ''}({sql})"
        for name, sql in parts.items()
    )
    result = _METRICS.format(
        lead=_seconds(microseconds(elapsed("created_at", "done_at"))),
        cycle=_seconds(microseconds(elapsed("started_at", "done_at"))),
        active=_seconds("active"),
        waiting=_seconds("waiting"),
    )
    return f"WITH {named} {result}"


_REUSED: Final = {"item", "meaning"}
CHANGE_COLUMNS: Final = (
    "c.tenant_id, c.integration_id, c.work_item_source_id, c.source_id, c.position, c.is_status,"
    " c.from_value, c.to_value, c.changed_at"
)
_OWNERS: Final = "SELECT tenant_id, integration_id FROM item"


def _seconds(microseconds_: str) -> str:
    """Return seconds as a double: an exact integer divided once, so the same everywhere."""
    return f"CAST({microseconds_} AS DOUBLE PRECISION) / 1000000.0"


def recompute(
    tenant_id: int,
    integration_id: int,
    condition: str,
    parameters: Sequence[str | int],
    changed_seq: int,
) -> int:
    """Compute the metrics of loaded work items again and write those that differ.

    condition: SQL over the columns of `work_items`, with its `parameters` as `%s`. Rows that
    change get the numbers after `changed_seq`; returned is how many did. The caller holds the
    tenant's counter lock and keeps the last number.
    """
    owned = f"tenant_id = {int(tenant_id)} AND integration_id = {int(integration_id)}"
    items = f"(SELECT * FROM work_items WHERE {owned} AND ({condition}))"
    columns = [f"{{0}}.{name}" for name in METRICS]
    old, new = (f"({', '.join(columns)})".format(alias) for alias in ("o", "m"))
    changes = (
        f"SELECT m.*, {int(changed_seq)} + ROW_NUMBER() OVER (ORDER BY m.source_id) AS next_seq"
        f" FROM ({metrics_sql(items)}) m CROSS JOIN work_items o"
        " WHERE o.tenant_id = m.tenant_id AND o.integration_id = m.integration_id"
        " AND o.source_id = m.source_id"
        f" AND {distinct(old, new)}"
    )
    assigned = ", ".join(f"{name} = n.{name}" for name in METRICS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE work_items AS w SET {assigned}, changed_seq = n.next_seq FROM ({changes}) n"
            " WHERE w.tenant_id = n.tenant_id AND w.integration_id = n.integration_id"
            " AND w.source_id = n.source_id",
            parameters,
        )
        return max(int(cursor.rowcount), 0)
