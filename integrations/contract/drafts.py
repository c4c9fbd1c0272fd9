"""Typed drafts: what a provider makes of a record.

A draft is named in the provider's vocabulary and has exactly the columns of the table it is
loaded into (`warehouse/tables.py`), so that a draft field and a column are never two names.

Every `source_id` is the provider's own id as text. Times are aware datetimes. None means
that the source does not say. Text holds no NUL.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Literal

import msgspec

# How much an entity says about itself: a listing of its own beats a copy embedded in an item,
# which beats a mention in a history.
LISTED, EMBEDDED, MENTIONED = 3, 2, 1


class Draft(msgspec.Struct, kw_only=True, gc=False):
    """Base of all drafts; `table` is the table that the draft is loaded into."""

    table: ClassVar[str]


class AccountDraft(Draft, kw_only=True, gc=False):
    """A person's or machine's account at the source."""

    table: ClassVar[str] = "accounts"
    source_id: str
    name: str | None = None
    login: str | None = None
    email: str | None = None
    kind: str | None = None
    is_active: bool | None = None
    authority: int = LISTED


class ProjectDraft(Draft, kw_only=True, gc=False):
    """A Jira project."""

    table: ClassVar[str] = "projects"
    source_id: str
    key: str
    name: str | None = None
    kind: str | None = None
    authority: int = LISTED


class TypeDraft(Draft, kw_only=True, gc=False):
    """A work item type as the source has it. level: the source's own hierarchy level."""

    table: ClassVar[str] = "wits"
    source_id: str
    name: str
    untranslated_name: str | None = None
    level: int | None = None
    is_subtask: bool | None = None
    authority: int = LISTED


class StatusDraft(Draft, kw_only=True, gc=False):
    """A status as the source has it. category: the source's own, if it says one."""

    table: ClassVar[str] = "statuses"
    source_id: str
    name: str
    untranslated_name: str | None = None
    category: str | None = None
    project_source_id: str | None = None
    authority: int = LISTED


class CustomFieldDraft(Draft, kw_only=True, gc=False):
    """A custom field of the source. schema: the provider's type key."""

    table: ClassVar[str] = "custom_fields"
    source_id: str
    name: str
    value_type: str | None = None
    schema: str | None = None
    authority: int = LISTED


class SprintDraft(Draft, kw_only=True, gc=False):
    """A sprint of a board."""

    table: ClassVar[str] = "sprints"
    source_id: str
    name: str
    state: str | None = None
    goal: str | None = None
    board_source_id: str | None = None
    started_at: datetime | None = None
    ends_at: datetime | None = None
    completed_at: datetime | None = None
    authority: int = LISTED


class WorkItemDraft(Draft, kw_only=True, gc=False):
    """A work item with the source's own values.

    history_complete: the record holds all changes. history_total: how many histories the source
    says there are, None if it does not; when so many are loaded, whichever records brought
    them, the history is complete as well.
    """

    table: ClassVar[str] = "work_items"
    source_id: str
    key: str
    project_source_id: str
    project_key: str
    type_source_id: str
    source_type: str
    status_source_id: str
    source_status: str
    title: str
    description: str | None = None
    priority: str | None = None
    resolution: str | None = None
    assignee_source_id: str | None = None
    reporter_source_id: str | None = None
    creator_source_id: str | None = None
    parent_source_id: str | None = None
    parent_key: str | None = None
    labels: list[str]
    sprint_source_ids: list[str]
    story_points: float | None = None
    due_on: date | None = None
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    custom_fields: dict[str, Any]
    history_complete: bool
    history_total: int | None = None


class ChangeDraft(Draft, kw_only=True, gc=False):
    """One item of one history of a work item; `position` counts in its history from 0."""

    table: ClassVar[str] = "work_item_changelogs"
    work_item_source_id: str
    source_id: str
    position: int
    field: str | None = None
    field_id: str | None = None
    is_status: bool
    from_value: str | None = None
    to_value: str | None = None
    from_text: str | None = None
    to_text: str | None = None
    author_source_id: str | None = None
    changed_at: datetime


class RepositoryDraft(Draft, kw_only=True, gc=False):
    """A repository; `full_name` is owner/name."""

    table: ClassVar[str] = "repositories"
    source_id: str
    full_name: str
    default_branch: str | None = None
    is_private: bool | None = None
    is_archived: bool | None = None
    is_fork: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    pushed_at: datetime | None = None
    authority: int = LISTED


class PullRequestDraft(Draft, kw_only=True, gc=False):
    """A pull request as every shape of the API gives it."""

    table: ClassVar[str] = "pull_requests"
    source_id: str
    repository: str
    repository_source_id: str | None = None
    number: int
    title: str
    body: str | None = None
    state: Literal["open", "closed", "merged"]
    is_draft: bool
    author_source_id: str | None = None
    author_login: str | None = None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    head_repository: str | None = None
    head_ref: str | None = None
    head_sha: str | None = None
    base_ref: str | None = None
    base_sha: str | None = None
    merge_commit_sha: str | None = None
    labels: list[str]


class PullRequestSizeDraft(Draft, kw_only=True, gc=False):
    """The values of a pull request that only its detail shape has.

    *_count: how many commits, reviews and comments of both kinds it has at the source. What is
    loaded beyond that, and was not seen as late as this, is gone.
    """

    table: ClassVar[str] = "pull_request_sizes"
    source_id: str
    updated_at: datetime
    additions: int | None = None
    deletions: int | None = None
    changed_files: int | None = None
    commit_count: int | None = None
    review_count: int | None = None
    comment_count: int | None = None
    review_comment_count: int | None = None


class CommitDraft(Draft, kw_only=True, gc=False):
    """A commit of a pull request; its place among the others follows from `parent_shas`."""

    table: ClassVar[str] = "pull_request_commits"
    repository: str
    pull_request_number: int
    sha: str
    message: str
    author_login: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    authored_at: datetime | None = None
    committer_name: str | None = None
    committer_email: str | None = None
    committed_at: datetime | None = None
    parent_shas: list[str]


class ReviewDraft(Draft, kw_only=True, gc=False):
    """A review of a pull request."""

    table: ClassVar[str] = "reviews"
    source_id: str
    repository: str
    pull_request_number: int
    author_source_id: str | None = None
    author_login: str | None = None
    state: str
    body: str | None = None
    submitted_at: datetime | None = None
    commit_sha: str | None = None


class CommentDraft(Draft, kw_only=True, gc=False):
    """A comment on a pull request; issue and review comments number their ids apart.

    is_on_pull_request: None where the source does not tell a pull request from another
    conversation; then the comment counts if there is a pull request of this number.
    """

    table: ClassVar[str] = "comments"
    kind: Literal["issue", "review"]
    source_id: str
    repository: str
    pull_request_number: int
    author_source_id: str | None = None
    author_login: str | None = None
    body: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    path: str | None = None
    line: int | None = None
    review_source_id: str | None = None
    is_on_pull_request: bool | None = None


class DeploymentDraft(Draft, kw_only=True, gc=False):
    """A deployment of a commit to an environment; state is that of its newest status."""

    table: ClassVar[str] = "deployments"
    source_id: str
    repository: str
    environment: str | None = None
    ref: str | None = None
    sha: str | None = None
    task: str | None = None
    state: str | None = None
    creator_login: str | None = None
    created_at: datetime
    updated_at: datetime


class WorkflowRunDraft(Draft, kw_only=True, gc=False):
    """A run of a workflow; one that is run again keeps its id, with another `run_attempt`.

    name: the workflow's. event: what started it. conclusion: None until it has ended.
    """

    table: ClassVar[str] = "workflow_runs"
    source_id: str
    repository: str
    name: str | None = None
    event: str | None = None
    status: str | None = None
    conclusion: str | None = None
    run_number: int | None = None
    run_attempt: int = 1
    head_branch: str | None = None
    head_sha: str | None = None
    actor_login: str | None = None
    created_at: datetime
    updated_at: datetime
    run_started_at: datetime | None = None


class MentionDraft(Draft, kw_only=True, gc=False):
    """Text in a pull request that looks like a work item key; a link when such an item exists.

    place: branch, title, body or commit. reference: the commit's sha, else empty.
    position: where in the text (characters). key: in capitals.
    """

    table: ClassVar[str] = "pull_request_mentions"
    repository: str
    pull_request_number: int
    place: Literal["branch", "title", "body", "commit"]
    reference: str
    position: int
    key: str
    matched_text: str
