"""A node of the GraphQL API, with everything nested in it, becomes drafts. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, TypeVar

import msgspec

from common.errors import RecordError
from common.times import parse_time
from integrations.contract import (
    EMBEDDED,
    LISTED,
    CommentDraft,
    CommitDraft,
    DeploymentDraft,
    PullRequestDraft,
    PullRequestSizeDraft,
    RepositoryDraft,
    ReviewDraft,
)
from integrations.providers.github import graphql
from integrations.providers.github.drafting import Drafting, state_of
from integrations.providers.github.owner import Owner
from integrations.providers.github.places import place_at, pull_request_of

N = TypeVar("N")

_BOT: Final = "[bot]"


def _each(connection: graphql.Connection[N] | None) -> Iterable[N]:
    nodes = connection.nodes if connection else None
    return (node for node in nodes or () if node is not None)


def _account(actor: graphql.Actor | None, made: Drafting) -> tuple[str | None, str | None]:
    """Remember an account; return its id and login."""
    if actor is None:
        return None, None
    login = _login(actor)
    kind = "Bot" if actor.type == "User" and (login or "").endswith(_BOT) else actor.type
    return made.account(actor.database_id, login, kind), login


def _login(actor: graphql.Actor) -> str | None:
    """Return a login as the REST API has it: that of an app's bot ends in `[bot]`.

    The bot of `/apps/NAME` is called NAME here. One with another address has a name of its own.
    """
    login = actor.login
    if actor.type != "Bot" or not login or login.endswith(_BOT):
        return login
    is_app = actor.url is None or actor.url.endswith(f"/apps/{login}")
    return f"{login}{_BOT}" if is_app else login


def _owner(owner: Owner, url: str | None) -> tuple[str, int]:
    """Return repository and number of the pull request that a node belongs to."""
    return pull_request_of(owner, ("url", url))


def _repository(node: graphql.Repository, owner: Owner, made: Drafting) -> None:
    _add_repository(node, "", LISTED, made)


def _add_repository(node: graphql.Repository, path: str, authority: int, made: Drafting) -> None:
    branch = node.default_branch_ref
    made.drafts.append(
        RepositoryDraft(
            source_id=node.source_id(),
            full_name=node.name_with_owner,
            default_branch=branch.name if branch else None,
            is_private=node.is_private,
            is_archived=node.is_archived,
            is_fork=node.is_fork,
            created_at=made.time(node.created_at, f"{path}createdAt"),
            updated_at=made.time(node.updated_at, f"{path}updatedAt"),
            pushed_at=made.time(node.pushed_at, f"{path}pushedAt"),
            authority=authority,
        )
    )


def _pull_request(node: graphql.PullRequest, owner: Owner, made: Drafting) -> None:
    full_name, base_id = _base_repository(node, owner, made)
    source_id, author_id, author = node.source_id(), *_account(node.author, made)
    updated_at = parse_time(node.updated_at, "updatedAt")
    # Of an open one the REST API names the merge that GitHub tried.
    merge = node.merge_commit or node.potential_merge_commit
    made.pull_request(
        PullRequestDraft(
            source_id=source_id,
            repository=full_name,
            repository_source_id=base_id,
            number=node.number,
            title=node.title,
            body=node.body,
            state=state_of(node.state, merged=bool(node.merged or node.merged_at)),
            is_draft=bool(node.is_draft),
            author_source_id=author_id,
            author_login=author,
            created_at=parse_time(node.created_at, "createdAt"),
            updated_at=updated_at,
            closed_at=made.time(node.closed_at, "closedAt"),
            merged_at=made.time(node.merged_at, "mergedAt"),
            head_repository=node.head_repository.name_with_owner if node.head_repository else None,
            head_ref=node.head_ref_name,
            head_sha=node.head_ref_oid,
            base_ref=node.base_ref_name,
            base_sha=node.base_ref_oid,
            merge_commit_sha=merge.oid if merge else None,
            labels=[label.name for label in _each(node.labels)],
        )
    )
    made.size(
        PullRequestSizeDraft(
            source_id=source_id,
            updated_at=updated_at,
            additions=node.additions,
            deletions=node.deletions,
            changed_files=node.changed_files,
            commit_count=node.commits.total() if node.commits else None,
            review_count=node.reviews.total() if node.reviews else None,
            comment_count=node.comments.total() if node.comments else None,
            review_comment_count=_line_comments(node.review_threads),
        )
    )
    _nested(node, Owner(full_name, node.number), made)


def _base_repository(
    node: graphql.PullRequest, owner: Owner, made: Drafting
) -> tuple[str, str | None]:
    """Return name and id, if it says so, of the repository that a pull request goes to."""
    base = node.base_repository or node.repository
    if base is None:
        return _owner(Owner(owner.repository, node.number), node.url)[0], None
    if base.database_id is None and base.full_database_id is None:
        return base.name_with_owner, None
    _add_repository(base, "baseRepository.", EMBEDDED, made)
    return base.name_with_owner, base.source_id()


def _line_comments(threads: graphql.Connection[graphql.Thread] | None) -> int | None:
    """Return how many comments on lines there are, None where not all threads are here whole."""
    if threads is None or threads.nodes is None or threads.total() != len(threads.nodes):
        return None
    total = 0
    for thread in threads.nodes:
        count = thread.comments.total() if thread and thread.comments else None
        if count is None:
            return None
        total += count
    return total


def _nested(node: graphql.PullRequest, owner: Owner, made: Drafting) -> None:
    for commit in _each(node.commits):
        _commit(commit, owner, made)
    for review in _each(node.reviews):
        _review(review, owner, made)
    for thread in _each(node.review_threads):
        for comment in _each(thread.comments):
            _comment(comment, owner, made, "review")
    for comment in _each(node.comments):
        _comment(comment, owner, made, "issue", is_on_pull_request=True)


def _commit(node: graphql.Commit, owner: Owner, made: Drafting) -> None:
    repository, number = _owner(owner, node.url)
    commit = node.commit
    author, committer = (
        commit.author or graphql.Signature(),
        commit.committer or graphql.Signature(),
    )
    login = _account(author.user, made)[1]
    _account(committer.user, made)
    made.commit(
        CommitDraft(
            repository=repository,
            pull_request_number=number,
            sha=commit.oid,
            message=commit.message,
            author_login=login,
            author_name=author.name,
            author_email=author.email,
            authored_at=made.time(commit.authored_date or author.date, "commit.authoredDate"),
            committer_name=committer.name,
            committer_email=committer.email,
            committed_at=made.time(commit.committed_date or committer.date, "commit.committedDate"),
            parent_shas=[parent.oid for parent in _each(commit.parents)],
        )
    )


def _review(node: graphql.Review, owner: Owner, made: Drafting) -> None:
    repository, number = _owner(owner, node.url)
    source_id, (author_id, author) = node.source_id(), _account(node.author, made)
    made.drafts.append(
        ReviewDraft(
            source_id=source_id,
            repository=repository,
            pull_request_number=number,
            author_source_id=author_id,
            author_login=author,
            state=node.state,
            body=node.body,
            submitted_at=made.time(node.submitted_at, "submittedAt"),
            commit_sha=node.commit.oid if node.commit else None,
        )
    )
    for comment in _each(node.comments):
        _comment(comment, Owner(repository, number), made, "review", source_id)


def _comment(
    node: graphql.Comment,
    owner: Owner,
    made: Drafting,
    kind: Literal["issue", "review"],
    review_id: str | None = None,
    is_on_pull_request: bool | None = None,
) -> None:
    repository, number = _owner(owner, node.url)
    place = place_at(node.url, "url")
    if kind == "review" or place is None or place.is_pull:
        is_on_pull_request = True
    author_id, author = _account(node.author, made)
    if node.pull_request_review:
        review_id = node.pull_request_review.source_id()
    made.drafts.append(
        CommentDraft(
            kind=kind,
            source_id=node.source_id(),
            repository=repository,
            pull_request_number=number,
            author_source_id=author_id,
            author_login=author,
            body=node.body,
            created_at=made.time(node.created_at, "createdAt"),
            updated_at=made.time(node.updated_at, "updatedAt"),
            path=node.path,
            line=node.line,
            review_source_id=review_id,
            is_on_pull_request=is_on_pull_request,
        )
    )


def _state(node: graphql.Deployment) -> str | None:
    """Return the state of the newest status as the REST API has it, if it was asked for."""
    if isinstance(node.latest_status, msgspec.UnsetType):
        return node.state
    state = node.latest_status.state if node.latest_status else None
    return state.lower() if state else None


def _deployment(node: graphql.Deployment, owner: Owner, made: Drafting) -> None:
    repository = node.repository.name_with_owner if node.repository else owner.repository
    if repository is None:
        raise RecordError("missing_field", "a deployment without its repository", "repository")
    made.drafts.append(
        DeploymentDraft(
            source_id=node.source_id(),
            repository=repository,
            environment=node.environment,
            ref=node.ref.name if node.ref else None,
            sha=node.commit_oid,
            task=node.task,
            state=_state(node),
            creator_login=_account(node.creator, made)[1],
            created_at=parse_time(node.created_at, "createdAt"),
            updated_at=parse_time(node.updated_at, "updatedAt"),
        )
    )


DRAFT: Final[dict[str, Callable[[Any, Owner, Drafting], None]]] = {
    "repositories": _repository,
    "pulls": _pull_request,
    "pull_commits": _commit,
    "reviews": _review,
    "review_comments": lambda node, owner, made: _comment(node, owner, made, "review"),
    "issue_comments": lambda node, owner, made: _comment(node, owner, made, "issue"),
    "deployments": _deployment,
}
