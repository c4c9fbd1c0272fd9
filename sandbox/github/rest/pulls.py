"""Handlers of pull requests, of what is in them, and of them as issues."""

from collections.abc import Callable
from typing import Any

from sandbox.github import commits
from sandbox.github.answers import ApiError, not_found
from sandbox.github.graphql.connections import connect, write_cursor
from sandbox.github.graphql.problems import QueryError
from sandbox.github.records import ANY_STATE, CLOSED, MERGED, OPEN, Entity, PullRecord, seconds
from sandbox.github.repository import Kind, Repository
from sandbox.github.rest import pull_shapes
from sandbox.github.rest.asks import Ask, OfRepository

MOST_COMMITS = 250
_STATES = {
    "open": frozenset((OPEN,)),
    "closed": frozenset((CLOSED, MERGED)),
    "all": ANY_STATE,
}
Shape = Callable[[Any, Repository, PullRecord, Entity], Entity]


def listed(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the pull requests of a repository."""
    states = _STATES[ask.choice("state", "open", "closed", "all")]
    sort = ask.choice("sort", "created", "updated", "popularity", "long-running")
    usual = "asc" if "sort" in ask.parameters and sort != "created" else "desc"
    descending = ask.choice("direction", usual, "asc", "desc") == "desc"
    rows = repository.pulls.ordered("updated" if sort == "updated" else "created", states)
    rows = rows[::-1] if descending else rows
    for side in ("head", "base"):
        if wanted := ask.parameters.get(side):
            rows = [row for row in rows if _has(repository.record(row), side, wanted)]
    return ask.listed(
        rows,
        lambda row: pull_shapes.pull_request(ask.shapes, repository, repository.record(row)),
    )


def _has(record: PullRecord, side: str, wanted: str) -> bool:
    has = record.pull.get(side) or {}
    return wanted in ((has.get("label"),) if side == "head" else (has.get("ref"),))


def _numbered(ask: Ask, repository: Repository) -> PullRecord:
    record = repository.numbered(ask.path("number"))
    if record is None:
        raise not_found()
    return record


def one(ask: Ask, repository: Repository) -> Entity:
    """Return a pull request with what lists lack."""
    return pull_shapes.pull_request_detail(ask.shapes, repository, _numbered(ask, repository))


def commits_of(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the first 250 commits of a pull request."""
    rows = _numbered(ask, repository).commits[:MOST_COMMITS]
    return ask.listed(rows, lambda each: pull_shapes.commit(ask.shapes, repository, each))


def reviews_of(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the reviews of a pull request."""
    record = _numbered(ask, repository)
    return ask.listed(
        record.reviews, lambda each: pull_shapes.review(ask.shapes, repository, record, each)
    )


def review_of(ask: Ask, repository: Repository) -> Entity:
    """Return a review."""
    record = _numbered(ask, repository)
    for each in record.reviews:
        if each["id"] == ask.path("review_id"):
            return pull_shapes.review(ask.shapes, repository, record, each)
    raise not_found()


def review_comments_of(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the comments on lines of a pull request."""
    record = _numbered(ask, repository)
    rows = _since(ask, record.review_comments)
    return ask.listed(
        rows, lambda each: pull_shapes.review_comment(ask.shapes, repository, record, each)
    )


def issue_comments_of(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the comments in the conversation of a pull request."""
    record = _numbered(ask, repository)
    rows = _since(ask, record.issue_comments)
    return ask.listed(
        rows, lambda each: pull_shapes.issue_comment(ask.shapes, repository, record, each)
    )


def _since(ask: Ask, rows: list[Entity]) -> list[Entity]:
    since = moment(ask, "since")
    return [each for each in rows if seconds(each.get("updated_at")) >= since]


def moment(ask: Ask, name: str) -> int:
    """Return an instant of the query in seconds since 1970, 0 if none; raise ApiError."""
    try:
        return seconds(ask.parameters.get(name))
    except ValueError:
        raise ApiError(422, f"The {name} parameter is no timestamp.") from None


def comments(kind: Kind, shape: Shape) -> OfRepository:
    """Return a handler of all comments of a kind in a repository."""

    def handle(ask: Ask, repository: Repository) -> list[Entity]:
        by_updated = ask.choice("sort", "created", "updated", "created_at") == "updated"
        rows = repository.parts(kind).ordered("updated" if by_updated else "created")
        since = moment(ask, "since")
        rows = [part for part in rows if part.updated >= since]
        if "sort" in ask.parameters and ask.choice("direction", "asc", "desc") == "desc":
            rows = rows[::-1]
        return ask.listed(
            rows, lambda part: shape(ask.shapes, repository, *repository.part(kind, part))
        )

    return handle


def comment(kind: Kind, shape: Shape) -> OfRepository:
    """Return a handler of one comment of a kind."""

    def handle(ask: Ask, repository: Repository) -> Entity:
        part = repository.parts(kind).find(ask.path("comment_id"))
        if part is None:
            raise not_found()
        return shape(ask.shapes, repository, *repository.part(kind, part))

    return handle


def _check_issues(repository: Repository) -> None:
    if repository.issues_disabled:
        raise ApiError(410, "Issues has been disabled in this repository.")


def issues(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the pull requests as issues; beyond some pages by cursor alone."""
    _check_issues(repository)
    states = _STATES[ask.choice("state", "open", "closed", "all")]
    by = "updated" if ask.choice("sort", "created", "updated", "comments") == "updated" else ""
    descending = ask.choice("direction", "desc", "asc") == "desc"
    order = repository.pulls
    rows = order.ordered("updated" if by else "created", states)
    if since := moment(ask, "since"):
        rows = [row for row in rows if order.head(row).updated >= since]
    after = ask.parameters.get("after")
    if after is None:
        if ask.page > ask.store.organisation.options.github_issue_pages:
            raise ApiError(
                422,
                "Pagination with the page parameter is not supported for large datasets, "
                "please use cursor based pagination (after/before)",
            )
        return _first_pages(ask, repository, rows[::-1] if descending else rows, by)
    try:
        connection = connect(
            rows,
            {"first": ask.per_page, "after": after},
            key=lambda row: order.sort_key(row, "updated" if by else "created"),
            node=lambda row: _issue(ask, repository, row),
            descending=descending,
        )
    except QueryError as problem:
        raise ApiError(422, problem.message) from None
    if connection.has_next:
        cursor = connection.page_info()["endCursor"]
        ask.link({"next": {"page": str(ask.page + 1), "after": cursor}})
    return connection.nodes()


def _first_pages(ask: Ask, repository: Repository, rows: list[int], by: str) -> list[Entity]:
    """Return a page by number, and link to the next by cursor."""
    start, size = (ask.page - 1) * ask.per_page, ask.per_page
    chosen = rows[start : start + size]
    if start + size < len(rows):
        key = repository.pulls.sort_key(chosen[-1], "updated" if by else "created")
        ask.link({"next": {"page": str(ask.page + 1), "after": write_cursor(key)}})
    return [_issue(ask, repository, row) for row in chosen]


def _issue(ask: Ask, repository: Repository, row: int) -> Entity:
    return pull_shapes.issue(ask.shapes, repository, repository.record(row))


def issue(ask: Ask, repository: Repository) -> Entity:
    """Return a pull request as an issue."""
    _check_issues(repository)
    return pull_shapes.issue(ask.shapes, repository, _numbered(ask, repository))


def commit_list(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the commits of a branch, by default of all that was merged, newest first."""
    _check_has_commits(repository)
    found = commits.on_branch(repository, ask.parameters.get("sha"))
    if found is None:
        raise not_found()
    since, until = moment(ask, "since"), moment(ask, "until")

    def is_asked_for(each: Entity) -> bool:
        at = seconds((each["commit"].get("committer") or {}).get("date"))
        return at >= since and (not until or at <= until)

    rows = (each for each in found if is_asked_for(each))
    return ask.streamed(rows, lambda each: pull_shapes.commit(ask.shapes, repository, each))


def commit(ask: Ask, repository: Repository) -> Entity:
    """Return a commit."""
    _check_has_commits(repository)
    found = commits.find(repository, ask.path("sha"))
    if found is None:
        raise ApiError(422, f"No commit found for SHA: {ask.path('sha')}")
    return pull_shapes.commit(ask.shapes, repository, found)


def _check_has_commits(repository: Repository) -> None:
    if repository.is_empty:
        raise ApiError(409, "Git Repository is empty.")
