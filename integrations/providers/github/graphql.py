"""What the GraphQL API gives: nodes instead of entities, some with others nested in them."""

from typing import Annotated, Final, Generic, TypeAlias, TypeVar

import msgspec

from common.errors import RecordError
from integrations.providers.github.shapes import Count, FullName, Id, Key, Number, Sha, Time

N = TypeVar("N")

IdText: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,18}\Z")]


class Node(msgspec.Struct, rename="camel", kw_only=True, gc=False):
    """Base of all nodes."""


class PageInfo(Node):
    """Whether a connection has more nodes than the page."""

    has_next_page: bool | None = None


class Connection(Node, Generic[N]):
    """A page of nested nodes; a node that failed is null."""

    nodes: list[N | None] | None = None
    total_count: Count | None = None
    page_info: PageInfo | None = None

    def total(self) -> int | None:
        """Return how many nodes there are on all pages, None if this page does not say it."""
        if self.total_count is not None:
            return self.total_count
        is_whole = self.page_info is not None and self.page_info.has_next_page is False
        if not is_whole or self.nodes is None or None in self.nodes:
            return None
        return len(self.nodes)


class Named(Node):
    """A label, branch or tag."""

    name: str


class Object(Node):
    """A git object."""

    oid: Sha


class Numbered(Node):
    """Whatever has a number of its own in GitHub's database; newer types have the full one."""

    database_id: Id | None = None
    full_database_id: Id | IdText | None = None

    def source_id(self) -> str:
        """Return the id as the REST API has it; raise RecordError if there is none."""
        number = self.full_database_id or self.database_id
        if number is None:
            raise RecordError("missing_field", "a node without its databaseId", "databaseId")
        return str(number)


class Actor(msgspec.Struct, gc=False):
    """An account; a vanished one is null."""

    login: Key | None = None
    url: str | None = None
    database_id: Id | None = msgspec.field(name="databaseId", default=None)
    type: str | None = msgspec.field(name="__typename", default=None)


class Repository(Numbered, kw_only=True):
    """A repository, listed or embedded."""

    name_with_owner: FullName
    default_branch_ref: Named | None = None
    is_private: bool | None = None
    is_archived: bool | None = None
    is_fork: bool | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    pushed_at: Time | None = None


class Signature(Node):
    """Who wrote or made a commit, with the account that GitHub found by e-mail."""

    name: str | None = None
    email: str | None = None
    date: Time | None = None
    user: Actor | None = None


class GitCommit(Node):
    """A commit."""

    oid: Sha
    message: str
    authored_date: Time | None = None
    committed_date: Time | None = None
    author: Signature | None = None
    committer: Signature | None = None
    parents: Connection[Object] | None = None


class Commit(Node):
    """A commit's place in a pull request."""

    commit: GitCommit
    url: str | None = None


class Comment(Numbered, kw_only=True):
    """A comment in the conversation or, with a path, on a line."""

    author: Actor | None = None
    body: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    path: str | None = None
    line: Count | None = None
    pull_request_review: Numbered | None = None
    url: str | None = None


class Review(Numbered, kw_only=True):
    """A review, perhaps with its comments."""

    state: str
    author: Actor | None = None
    body: str | None = None
    submitted_at: Time | None = None
    commit: Object | None = None
    comments: Connection[Comment] | None = None
    url: str | None = None


class Thread(Node):
    """A thread of comments on a line."""

    comments: Connection[Comment] | None = None


class PullRequest(Numbered, kw_only=True):
    """A pull request, perhaps with its commits, reviews and comments."""

    number: Number
    title: str
    state: str
    created_at: Time
    updated_at: Time
    url: str | None = None
    body: str | None = None
    is_draft: bool | None = None
    author: Actor | None = None
    closed_at: Time | None = None
    merged_at: Time | None = None
    merged: bool | None = None
    head_repository: Repository | None = None
    head_ref_name: str | None = None
    head_ref_oid: Key | None = None
    base_repository: Repository | None = None
    repository: Repository | None = None
    base_ref_name: str | None = None
    base_ref_oid: Key | None = None
    merge_commit: Object | None = None
    potential_merge_commit: Object | None = None
    labels: Connection[Named] | None = None
    additions: Count | None = None
    deletions: Count | None = None
    changed_files: Count | None = None
    commits: Connection[Commit] | None = None
    reviews: Connection[Review] | None = None
    review_threads: Connection[Thread] | None = None
    comments: Connection[Comment] | None = None


class Status(Node):
    """A status of a deployment."""

    state: str | None = None


class Deployment(Numbered, kw_only=True):
    """A deployment; its own state is coarser than that of its newest status."""

    created_at: Time
    updated_at: Time
    environment: str | None = None
    ref: Named | None = None
    commit_oid: Key | None = None
    task: str | None = None
    state: str | None = None
    latest_status: Status | msgspec.UnsetType | None = msgspec.UNSET
    creator: Actor | None = None
    repository: Repository | None = None


NODE_TYPES: Final[dict[str, type[Node]]] = {
    "repositories": Repository,
    "pulls": PullRequest,
    "pull_commits": Commit,
    "reviews": Review,
    "review_comments": Comment,
    "issue_comments": Comment,
    "deployments": Deployment,
}
