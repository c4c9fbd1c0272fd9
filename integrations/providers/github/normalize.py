"""One record of the REST API, in whichever of its shapes, becomes drafts. Pure."""

import re
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec

from common.errors import RecordError
from common.jsontext import decode, strip_nul
from common.times import parse_time
from integrations.contract import (
    EMBEDDED,
    LISTED,
    CommentDraft,
    CommitDraft,
    DeploymentDraft,
    Normalized,
    PullRequestDraft,
    PullRequestSizeDraft,
    Record,
    ReviewDraft,
)
from integrations.providers.github import graphql, nodes, shapes
from integrations.providers.github.drafting import (
    Drafting,
    number_of,
    place_in_api,
    state_of,
)
from integrations.providers.github.owner import Owner
from integrations.providers.github.pages import unwrap
from integrations.providers.github.responses import is_node

T = TypeVar("T", bound=msgspec.Struct)

_CONVERSATION: Final = re.compile(r"/(pull|issues)/([0-9]{1,10})$")
_TYPES: Final[dict[str, type[shapes.Shape]]] = {
    "repositories": shapes.Repository,
    "pulls": shapes.PullRequest,
    "pull_commits": shapes.Commit,
    "reviews": shapes.Review,
    "review_comments": shapes.ReviewComment,
    "issue_comments": shapes.IssueComment,
    "deployments": shapes.Deployment,
}
_DECODERS: Final = {name: msgspec.json.Decoder(shape) for name, shape in _TYPES.items()}
_NODE_DECODERS: Final = {
    name: msgspec.json.Decoder(shape) for name, shape in graphql.NODE_TYPES.items()
}


def normalize(stream: str, record: Record) -> Normalized:
    """Turn a record of a stream into drafts; raise RecordError if it cannot be understood."""
    owner, prefix, body = unwrap(stream, record.body)
    made = Drafting(record.position, prefix)
    try:
        if is_node(stream, body):
            nodes.DRAFT[stream](_read(_NODE_DECODERS[stream], body, made), owner, made)
        else:
            _DRAFT[stream](_read(_DECODERS[stream], body, made), owner, made)
    except RecordError as error:
        path = f"{prefix}{error.path}".rstrip(".")
        raise RecordError(error.reason, error.detail, path) from None
    return made.normalized()


def _read(decoder: msgspec.json.Decoder[T], body: bytes, made: Drafting) -> T:
    """Decode a body; its text is clean of NUL, which is remembered."""
    value, cleaned = decode(body, decoder)
    if "surrogate" in cleaned:
        made.note("surrogate", "half a surrogate pair became U+FFFD")
    if "nul" in cleaned:
        made.note("nul", "NUL characters were removed")
        value, _ = decode(msgspec.json.encode(strip_nul(msgspec.to_builtins(value))), decoder)
    return value


def _repository(shape: shapes.Repository, owner: Owner, made: Drafting) -> None:
    made.repository(shape, "", LISTED)


def _pull_request(shape: shapes.PullRequest, owner: Owner, made: Drafting) -> None:
    head, base = shape.head or shapes.Head(), shape.base or shapes.Base()
    repository, repository_id = _base_repository(shape, base, owner, made)
    user = shape.user or shapes.User()
    updated_at = parse_time(shape.updated_at, "updated_at")
    made.pull_request(
        PullRequestDraft(
            source_id=str(shape.id),
            repository=repository,
            repository_source_id=repository_id,
            number=shape.number,
            title=shape.title,
            body=shape.body,
            state=state_of(shape.state, merged=bool(shape.merged or shape.merged_at)),
            is_draft=bool(shape.draft),
            author_source_id=made.account(user.id, user.login, user.type),
            author_login=user.login,
            created_at=parse_time(shape.created_at, "created_at"),
            updated_at=updated_at,
            closed_at=made.time(shape.closed_at, "closed_at"),
            merged_at=made.time(shape.merged_at, "merged_at"),
            head_repository=head.repo.full_name if head.repo else None,
            head_ref=head.ref,
            head_sha=head.sha,
            base_ref=base.ref,
            base_sha=base.sha,
            merge_commit_sha=shape.merge_commit_sha,
            labels=[label.name for label in shape.labels or ()],
        )
    )
    made.size(
        PullRequestSizeDraft(
            source_id=str(shape.id),
            updated_at=updated_at,
            additions=shape.additions,
            deletions=shape.deletions,
            changed_files=shape.changed_files,
        )
    )


def _base_repository(
    shape: shapes.PullRequest, base: shapes.Base, owner: Owner, made: Drafting
) -> tuple[str, str | None]:
    """Return name and id, if it says so, of the repository that a pull request goes to."""
    if base.repo is None:
        return owner.repository or place_in_api(shape.url, "url")[0], None
    made.repository(base.repo, "base.repo.", EMBEDDED)
    return base.repo.full_name, str(base.repo.id)


def _commit(shape: shapes.Commit, owner: Owner, made: Drafting) -> None:
    if owner.number is None:
        raise RecordError("missing_field", "a commit without its pull request", "pull_number")
    author, committer = shape.author or shapes.User(), shape.committer or shapes.User()
    written = shape.commit.author or shapes.Signature()
    made_by = shape.commit.committer or shapes.Signature()
    for user in (author, committer):
        made.account(user.id, user.login, user.type)
    made.commit(
        CommitDraft(
            repository=owner.repository or place_in_api(shape.url, "url")[0],
            pull_request_number=owner.number,
            sha=shape.sha,
            message=shape.commit.message,
            author_login=author.login,
            author_name=written.name,
            author_email=written.email,
            authored_at=made.time(written.date, "commit.author.date"),
            committer_name=made_by.name,
            committer_email=made_by.email,
            committed_at=made.time(made_by.date, "commit.committer.date"),
            parent_shas=[parent.sha for parent in shape.parents or ()],
        )
    )


def _review(shape: shapes.Review, owner: Owner, made: Drafting) -> None:
    repository, number = owner.repository, owner.number
    if repository is None or number is None:
        named, at = place_in_api(shape.pull_request_url, "pull_request_url")
        repository, number = repository or named, number or at
    if number is None:
        raise RecordError("missing_field", "a review without its pull request", "pull_number")
    user = shape.user or shapes.User()
    made.drafts.append(
        ReviewDraft(
            source_id=str(shape.id),
            repository=repository,
            pull_request_number=number,
            author_source_id=made.account(user.id, user.login, user.type),
            author_login=user.login,
            state=shape.state.upper(),
            body=shape.body,
            submitted_at=made.time(shape.submitted_at, "submitted_at"),
            commit_sha=shape.commit_id,
        )
    )


def _review_comment(shape: shapes.ReviewComment, owner: Owner, made: Drafting) -> None:
    repository, number = place_in_api(shape.pull_request_url, "pull_request_url")
    if number is None:
        raise RecordError("bad_value", "names no pull request", "pull_request_url")
    _comment(shape, "review", repository, number, made)


def _issue_comment(shape: shapes.IssueComment, owner: Owner, made: Drafting) -> None:
    """A comment on a plain issue is no comment on a pull request, and no fault either."""
    try:
        match = _CONVERSATION.search(urlsplit(shape.html_url).path)
    except ValueError:
        match = None
    if match is None:
        raise RecordError("bad_value", f"no conversation: {shape.html_url[:200]!r}", "html_url")
    if match[1] == "pull":
        repository, number = place_in_api(shape.issue_url, "issue_url")
        number = number or number_of(match[2], "html_url")
        _comment(shape, "issue", repository, number, made)


def _comment(
    shape: shapes.IssueComment | shapes.ReviewComment,
    kind: Literal["issue", "review"],
    repository: str,
    number: int,
    made: Drafting,
) -> None:
    user = shape.user or shapes.User()
    draft = CommentDraft(
        kind=kind,
        source_id=str(shape.id),
        repository=repository,
        pull_request_number=number,
        author_source_id=made.account(user.id, user.login, user.type),
        author_login=user.login,
        body=shape.body,
        created_at=made.time(shape.created_at, "created_at"),
        updated_at=made.time(shape.updated_at, "updated_at"),
    )
    if isinstance(shape, shapes.ReviewComment):
        review = shape.pull_request_review_id
        draft.path, draft.line = shape.path, shape.line
        draft.review_source_id = None if review is None else str(review)
    made.drafts.append(draft)


def _deployment(shape: shapes.Deployment, owner: Owner, made: Drafting) -> None:
    address, path = shape.repository_url or shape.url, "repository_url"
    creator = shape.creator or shapes.User()
    made.account(creator.id, creator.login, creator.type)
    made.drafts.append(
        DeploymentDraft(
            source_id=str(shape.id),
            repository=owner.repository or place_in_api(address, path)[0],
            environment=shape.environment,
            ref=shape.ref,
            sha=shape.sha,
            task=shape.task,
            state=shape.state,
            creator_login=creator.login,
            created_at=parse_time(shape.created_at, "created_at"),
            updated_at=parse_time(shape.updated_at, "updated_at"),
        )
    )


_DRAFT: Final[dict[str, Callable[[Any, Owner, Drafting], None]]] = {
    "repositories": _repository,
    "pulls": _pull_request,
    "pull_commits": _commit,
    "reviews": _review,
    "review_comments": _review_comment,
    "issue_comments": _issue_comment,
    "deployments": _deployment,
}
