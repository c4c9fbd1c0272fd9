"""The tables that are loaded: which draft fills each, by which key, and which version wins."""

from dataclasses import dataclass
from functools import cached_property

from django.apps import apps
from django.db import models

from integrations import contract
from integrations.contract import Draft

OWN_SOURCE = ("raw_position", "raw_page_id")
"""What a child row knows of its source; its version is that of its parent."""

OWN_VERSION = ("raw_position", "raw_page_id", "digest", "fetched_at", "fingerprint")
"""What a row with a version of its own knows of its source."""


@dataclass(frozen=True)
class Table:
    """One loaded table.

    key: the source's own part of the natural key (tenant and integration come before it).
    version: columns that decide between two versions of a row, before `fetched_at` and `digest`.
    is_child: the row comes and goes with the record of its parent.
    """

    draft: type[Draft]
    model_name: str
    key: tuple[str, ...]
    version: tuple[str, ...] = ()
    is_child: bool = False

    @property
    def name(self) -> str:
        return self.draft.table

    @property
    def staging_name(self) -> str:
        return f"stage_{self.name}"

    @cached_property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.model_name)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The columns that the draft fills, in its order."""
        return self.draft.__struct_fields__

    @cached_property
    def lineage(self) -> tuple[str, ...]:
        return OWN_SOURCE if self.is_child else OWN_VERSION

    @cached_property
    def staged(self) -> tuple[str, ...]:
        """The columns of a staged row, in their order."""
        return (*self.values, *self.lineage)

    @cached_property
    def is_timed(self) -> bool:
        """Whether the source says when a row was updated; else only the time of fetching does."""
        return "updated_at" in self.version

    @property
    def is_counted(self) -> bool:
        """Whether its rows are gone if they are not seen again (`warehouse.vanished`)."""
        return self.name in ("pull_request_commits", "reviews", "comments")

    @cached_property
    def has_tombstone(self) -> bool:
        return any(field.name == "deleted_at" for field in self.model._meta.fields)

    @cached_property
    def is_in_repository(self) -> bool:
        """Whether its rows name their repository, which may be renamed."""
        return any(field.name == "former_name" for field in self.model._meta.fields)

    def field(self, column: str) -> "models.Field[object, object]":
        """Return the model's field of a column."""
        found = self.model._meta.get_field(column)
        assert isinstance(found, models.Field)
        return found


TABLES: tuple[Table, ...] = (
    Table(contract.AccountDraft, "warehouse.Account", ("source_id",), ("authority",)),
    Table(contract.ProjectDraft, "warehouse.Project", ("source_id",), ("authority",)),
    Table(contract.TypeDraft, "mappings.Wit", ("source_id",), ("authority",)),
    Table(contract.StatusDraft, "mappings.Status", ("source_id",), ("authority",)),
    Table(contract.CustomFieldDraft, "mappings.CustomField", ("source_id",), ("authority",)),
    Table(contract.SprintDraft, "warehouse.Sprint", ("source_id",), ("authority",)),
    Table(
        contract.WorkItemDraft,
        "warehouse.WorkItem",
        ("source_id",),
        ("updated_at", "history_complete"),
    ),
    Table(
        contract.ChangeDraft,
        "warehouse.Changelog",
        ("work_item_source_id", "source_id", "position"),
        is_child=True,
    ),
    Table(contract.RepositoryDraft, "warehouse.Repository", ("source_id",), ("authority",)),
    Table(contract.PullRequestDraft, "warehouse.PullRequest", ("source_id",), ("updated_at",)),
    Table(
        contract.PullRequestSizeDraft,
        "warehouse.PullRequestSize",
        ("source_id",),
        ("updated_at",),
    ),
    Table(
        contract.CommitDraft,
        "warehouse.Commit",
        ("repository", "pull_request_number", "sha"),
    ),
    Table(contract.ReviewDraft, "warehouse.Review", ("source_id",), ("submitted_at",)),
    Table(contract.CommentDraft, "warehouse.Comment", ("kind", "source_id"), ("updated_at",)),
    Table(contract.DeploymentDraft, "warehouse.Deployment", ("source_id",), ("updated_at",)),
    Table(
        contract.WorkflowRunDraft,
        "warehouse.WorkflowRun",
        ("source_id",),
        ("updated_at", "run_attempt"),
    ),
    Table(
        contract.MentionDraft,
        "warehouse.Mention",
        ("repository", "pull_request_number", "place", "reference", "position", "key"),
        is_child=True,
    ),
)

BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}
