"""What `export` gives of each table: the columns, what they are, and the order of the rows."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from django.db import models
from django.db.models import Exists, F, FloatField, OuterRef, Q, Subquery
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce

from warehouse.alive import live_rows
from warehouse.models import (
    Changelog,
    Comment,
    Commit,
    Deployment,
    PullRequest,
    PullRequestSize,
    Review,
    Sprint,
    WorkflowRun,
    WorkItem,
)
from warehouse.tables import TABLES, Table

Kind: TypeAlias = Literal["text", "int", "float", "bool", "time", "date", "texts", "json"]


@dataclass(frozen=True)
class Column:
    """An exported column. source: what to select; the name itself if None."""

    name: str
    kind: Kind = "text"
    source: str | Combinable | None = None


@dataclass(frozen=True)
class ExportTable:
    """An exported table. order: the natural key, by which the rows come sorted.

    only: which of the rows are exported; all if None.
    """

    model: type[models.Model]
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    only: Q | None = None

    @property
    def loaded(self) -> Table:
        """The table that it exports."""
        return next(table for table in TABLES if table.model is self.model)


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _times(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "time") for name in names)


_INTEGRATION = Column("integration", source="integration__name")
_STATUS = "status_resolution__mapping"


def _mapped(name: str) -> KeyTextTransform:
    """A value that a rule for custom fields gives; `warehouse/mapped_fields.py` has the shape."""
    return KeyTextTransform(name, "mapped_fields")


WORK_ITEMS = ExportTable(
    WorkItem,
    (
        _INTEGRATION,
        *_texts("key", "source_id", "project_key", "title", "source_type"),
        Column("type", source="wit_resolution__mapping__target"),
        Column("level", "int", "wit_resolution__mapping__hierarchy__level"),
        Column("source_status"),
        Column("status", source=f"{_STATUS}__target"),
        Column(
            "status_category", source=Coalesce(f"{_STATUS}__step__category", f"{_STATUS}__category")
        ),
        *_times("created_at", "updated_at", "resolved_at", "committed_at", "started_at", "done_at"),
        Column("lead_time_seconds", "float"),
        Column("cycle_time_seconds", "float"),
        Column("active_seconds", "float"),
        Column("waiting_seconds", "float"),
        Column(
            "story_points",
            "float",
            Coalesce(Cast(_mapped("story_points"), FloatField()), F("story_points")),
        ),
        *(Column(name, source=_mapped(name)) for name in ("team", "sprint", "epic_link")),
        Column("custom", "json", KeyTransform("columns", "mapped_fields")),
        *_texts("assignee_source_id", "reporter_source_id", "parent_key"),
        Column("labels", "texts"),
        Column("sprint_source_ids", "texts"),
        Column("due_on", "date"),
        *_texts("priority", "resolution", "description"),
        Column("history_complete", "bool", "all_changes_loaded"),
    ),
    ("integration__name", "source_id"),
)

CHANGELOGS = ExportTable(
    Changelog,
    (
        _INTEGRATION,
        Column("work_item_source_id"),
        Column(
            "work_item_key",
            source=Subquery(
                WorkItem._base_manager.filter(
                    tenant_id=OuterRef("tenant_id"),
                    integration_id=OuterRef("integration_id"),
                    source_id=OuterRef("work_item_source_id"),
                ).values("key")
            ),
        ),
        Column("source_id"),
        Column("position", "int"),
        *_texts("field", "field_id", "from_value", "to_value", "from_text", "to_text"),
        Column("author_source_id"),
        *_times("changed_at"),
    ),
    ("integration__name", "work_item_source_id", "source_id", "position"),
)


def _size(name: str) -> Column:
    """A value of the pull request's size, which is a row of its own."""
    sizes = PullRequestSize._base_manager.filter(
        tenant_id=OuterRef("tenant_id"),
        integration_id=OuterRef("integration_id"),
        source_id=OuterRef("source_id"),
    )
    return Column(name, "int", Subquery(sizes.values(name)))


PULL_REQUESTS = ExportTable(
    PullRequest,
    (
        _INTEGRATION,
        Column("repository"),
        Column("number", "int"),
        *_texts("source_id", "title", "body", "state"),
        Column("is_draft", "bool"),
        Column("author_login"),
        *_times("created_at", "updated_at", "closed_at", "merged_at"),
        *_texts("head_ref", "head_sha", "base_ref", "base_sha", "merge_commit_sha"),
        *(_size(name) for name in ("additions", "deletions", "changed_files")),
        Column("labels", "texts"),
    ),
    ("integration__name", "repository", "number"),
)

_PULL_REQUEST = (_INTEGRATION, Column("repository"), Column("pull_request_number", "int"))

COMMITS = ExportTable(
    Commit,
    (
        *_PULL_REQUEST,
        Column("position", "int"),
        *_texts("sha", "message", "author_name", "author_email"),
        *_times("authored_at"),
        *_texts("committer_name", "committer_email"),
        *_times("committed_at"),
    ),
    ("integration__name", "repository", "pull_request_number", "position"),
)

REVIEWS = ExportTable(
    Review,
    (
        *_PULL_REQUEST,
        *_texts("source_id", "author_login", "state", "body"),
        *_times("submitted_at"),
        Column("commit_sha"),
    ),
    ("integration__name", "repository", "pull_request_number", "source_id"),
)

COMMENTS = ExportTable(
    Comment,
    (
        *_PULL_REQUEST,
        *_texts("source_id", "kind", "author_login", "body"),
        *_times("created_at"),
        Column("path"),
        Column("line", "int"),
    ),
    ("integration__name", "repository", "pull_request_number", "kind", "source_id"),
    only=Q(is_on_pull_request=True)
    | Q(
        Exists(
            PullRequest._base_manager.filter(
                tenant_id=OuterRef("tenant_id"),
                integration_id=OuterRef("integration_id"),
                repository=OuterRef("repository"),
                number=OuterRef("pull_request_number"),
                deleted_at=None,
            )
        )
    ),
)

SPRINTS = ExportTable(
    Sprint,
    (
        _INTEGRATION,
        *_texts("source_id", "name", "state", "goal", "board_source_id"),
        *_times("started_at", "ends_at", "completed_at"),
    ),
    ("integration__name", "source_id"),
)

DEPLOYMENTS = ExportTable(
    Deployment,
    (
        _INTEGRATION,
        *_texts("repository", "source_id", "environment", "ref", "sha", "task", "state"),
        Column("creator_login"),
        *_times("created_at", "updated_at"),
    ),
    ("integration__name", "source_id"),
)

WORKFLOW_RUNS = ExportTable(
    WorkflowRun,
    (
        _INTEGRATION,
        *_texts("repository", "source_id", "name", "event", "status", "conclusion"),
        Column("run_number", "int"),
        Column("run_attempt", "int"),
        *_texts("head_branch", "head_sha", "actor_login"),
        *_times("created_at", "updated_at", "run_started_at"),
    ),
    ("integration__name", "source_id"),
)

EXPORTS: dict[str, ExportTable] = {
    "work_items": WORK_ITEMS,
    "changelogs": CHANGELOGS,
    "pull_requests": PULL_REQUESTS,
    "commits": COMMITS,
    "reviews": REVIEWS,
    "comments": COMMENTS,
    "sprints": SPRINTS,
    "deployments": DEPLOYMENTS,
    "workflow_runs": WORKFLOW_RUNS,
}

LINK_COLUMNS: tuple[Column, ...] = (
    *_PULL_REQUEST,
    *_texts("work_item_key", "work_item_source_id", "work_item_integration"),
    *_texts("source", "reference", "matched_text"),
    Column("confidence", "float"),
)
"""As `warehouse.links.Link`; `integration` is the pull request's."""


def select(table: ExportTable) -> models.QuerySet[models.Model]:
    """Return the table's live rows with a value for each column under `out_<name>`, in order."""
    rows: models.QuerySet[models.Model] = live_rows(table.loaded)
    if table.only is not None:
        rows = rows.filter(table.only)
    values = {
        f"out_{column.name}": F(column.source or column.name)
        if isinstance(column.source, str | None)
        else column.source
        for column in table.columns
    }
    annotated: models.QuerySet[models.Model] = rows.annotate(**values)
    return annotated
