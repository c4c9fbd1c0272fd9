"""What the REST API gives, as far as it is used. Unknown members are skipped, never refused."""

from typing import Annotated, TypeAlias

import msgspec

Id: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Sha: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
FullName: TypeAlias = Annotated[str, msgspec.Meta(min_length=3, max_length=400)]
Time: TypeAlias = str | int | float


class Shape(msgspec.Struct, gc=False):
    """Base of all shapes."""


class User(Shape):
    """An account. GitHub gives `{}` or null for one that it does not know (any more)."""

    id: Id | None = None
    login: str | None = None
    type: str | None = None


class Repository(Shape):
    """A repository, listed or embedded."""

    id: Id
    full_name: FullName
    default_branch: str | None = None
    private: bool | None = None
    archived: bool | None = None
    fork: bool | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    pushed_at: Time | None = None


class HeadRepository(Shape):
    """The repository that a pull request comes from."""

    full_name: str | None = None


class Head(Shape):
    """Where a pull request comes from; its repository may have vanished."""

    ref: str | None = None
    sha: str | None = None
    repo: HeadRepository | None = None


class Base(Shape):
    """Where a pull request goes to."""

    ref: str | None = None
    sha: str | None = None
    repo: Repository | None = None


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
    body: str | None = None
    draft: bool | None = None
    user: User | None = None
    closed_at: Time | None = None
    merged_at: Time | None = None
    merged: bool | None = None
    merge_commit_sha: str | None = None
    head: Head | None = None
    base: Base | None = None
    labels: list[Label] | None = None
    additions: Count | None = None
    deletions: Count | None = None
    changed_files: Count | None = None


class Signature(Shape):
    """Who wrote or made a commit, as git has it."""

    name: str | None = None
    email: str | None = None
    date: Time | None = None


class GitCommit(Shape):
    """The part of a commit that git has."""

    message: str
    author: Signature | None = None
    committer: Signature | None = None


class Parent(Shape):
    """A parent of a commit."""

    sha: Sha


class Commit(Shape):
    """A commit; author and committer are the accounts that GitHub found by e-mail."""

    sha: Sha
    commit: GitCommit
    url: str | None = None
    author: User | None = None
    committer: User | None = None
    parents: list[Parent] | None = None


class Review(Shape):
    """A review."""

    id: Id
    state: str
    user: User | None = None
    body: str | None = None
    submitted_at: Time | None = None
    commit_id: str | None = None
    pull_request_url: str | None = None


class ReviewComment(Shape):
    """A comment on a line of a pull request."""

    id: Id
    pull_request_url: str
    user: User | None = None
    body: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    path: str | None = None
    line: Count | None = None
    pull_request_review_id: Id | None = None


class IssueComment(Shape):
    """A comment in a conversation, of a pull request or of a plain issue."""

    id: Id
    issue_url: str
    html_url: str
    user: User | None = None
    body: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None


class Deployment(Shape):
    """A deployment; `state` is there where it has been joined with its newest status."""

    id: Id
    created_at: Time
    updated_at: Time
    environment: str | None = None
    ref: str | None = None
    sha: str | None = None
    task: str | None = None
    state: str | None = None
    creator: User | None = None
    url: str | None = None
    repository_url: str | None = None
