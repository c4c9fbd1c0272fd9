"""What the REST API gives, as far as it is used. Unknown members are skipped, never refused.

A bad value of a member that may be None becomes None (`forgiving`); only what a row cannot be
without is required.
"""

from typing import Annotated, Any, Final, TypeAlias

import msgspec

KEY_LENGTH: Final = 255
"""The most characters of a text that is part of a key; an index refuses far longer ones."""

Id: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Sha: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
FullName: TypeAlias = Annotated[str, msgspec.Meta(min_length=3, max_length=KEY_LENGTH)]
Key: TypeAlias = Annotated[str, msgspec.Meta(max_length=KEY_LENGTH)]
Time: TypeAlias = str | int | float


class Shape(msgspec.Struct, gc=False):
    """Base of all shapes."""


class User(Shape):
    """An account. GitHub gives `{}` or null for one that it does not know (any more)."""

    id: Id | None = None
    login: Key | None = None
    type: str | None = None


class BaseRepository(Shape, kw_only=True):
    """The repository that a pull request goes to; little of it may be said."""

    id: Id | None = None
    full_name: FullName | None = None
    url: str | None = None
    html_url: str | None = None
    default_branch: str | None = None
    private: bool | None = None
    archived: bool | None = None
    fork: bool | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    pushed_at: Time | None = None


class Repository(BaseRepository, kw_only=True):
    """A listed repository."""

    id: Id
    full_name: FullName


class HeadRepository(Shape):
    """The repository that a pull request comes from."""

    full_name: Key | None = None


class Link(Shape):
    """An address."""

    href: str | None = None


class Links(Shape):
    """The addresses of what belongs to a pull request."""

    pull_request: Link | None = None
    html: Link | None = None
    self: Link | None = None


class Head(Shape):
    """Where a pull request comes from; its repository may have vanished."""

    ref: str | None = None
    sha: Key | None = None
    repo: HeadRepository | None = None


class Base(Shape):
    """Where a pull request goes to."""

    ref: str | None = None
    sha: Key | None = None
    repo: BaseRepository | None = None


class Label(Shape):
    """A label of a pull request."""

    name: str


class PullRequest(Shape):
    """A pull request of a list or of its own; only the latter has sizes."""

    id: Id
    number: Number
    title: str
    state: str
    created_at: Time
    updated_at: Time
    url: str | None = None
    html_url: str | None = None
    links: Links | None = msgspec.field(name="_links", default=None)
    body: str | None = None
    draft: bool | None = None
    user: User | None = None
    closed_at: Time | None = None
    merged_at: Time | None = None
    merged: bool | None = None
    merge_commit_sha: Key | None = None
    head: Head | None = None
    base: Base | None = None
    labels: list[Label | str | None] | None = None
    additions: Count | None = None
    deletions: Count | None = None
    changed_files: Count | None = None
    commits: Count | None = None
    comments: Count | None = None
    review_comments: Count | None = None


class Signature(Shape):
    """Who wrote or made a commit, as git has it."""

    name: str | None = None
    email: str | None = None
    date: Time | None = None


class GitCommit(Shape):
    """The part of a commit that git has."""

    message: str
    url: str | None = None
    author: Signature | None = None
    committer: Signature | None = None


class Parent(Shape):
    """A parent of a commit."""

    sha: Sha
    url: str | None = None
    html_url: str | None = None


class Commit(Shape):
    """A commit; author and committer are the accounts that GitHub found by e-mail."""

    sha: Sha
    commit: GitCommit
    url: str | None = None
    html_url: str | None = None
    author: User | None = None
    committer: User | None = None
    parents: list[Parent | None] | None = None


class Review(Shape):
    """A review."""

    id: Id
    state: str
    user: User | None = None
    body: str | None = None
    submitted_at: Time | None = None
    commit_id: Key | None = None
    pull_request_url: str | None = None
    html_url: str | None = None
    links: Links | None = msgspec.field(name="_links", default=None)


class ReviewComment(Shape):
    """A comment on a line of a pull request."""

    id: Id
    pull_request_url: str | None = None
    html_url: str | None = None
    links: Links | None = msgspec.field(name="_links", default=None)
    user: User | None = None
    body: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    path: str | None = None
    line: Count | None = None
    pull_request_review_id: Id | None = None


class IssueComment(Shape):
    """A comment in a conversation. pull_request: there if it is of no plain issue."""

    id: Id
    issue_url: str | None = None
    html_url: str | None = None
    pull_request_url: str | None = None
    pull_request: Any = None
    user: User | None = None
    body: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class WorkflowRun(Shape):
    """A run of a workflow; run again, it keeps its id and gets a new attempt."""

    id: Id
    created_at: Time
    updated_at: Time
    name: str | None = None
    event: str | None = None
    status: str | None = None
    conclusion: str | None = None
    run_number: Count | None = None
    run_attempt: Count | None = None
    head_branch: str | None = None
    head_sha: Key | None = None
    actor: User | None = None
    run_started_at: Time | None = None
    repository: BaseRepository | None = None
    url: str | None = None
    html_url: str | None = None


class Deployment(Shape):
    """A deployment; `state` is there where it has been joined with its newest status."""

    id: Id
    created_at: Time
    updated_at: Time
    environment: str | None = None
    ref: str | None = None
    sha: Key | None = None
    task: str | None = None
    state: str | None = None
    creator: User | None = None
    url: str | None = None
    repository_url: str | None = None
