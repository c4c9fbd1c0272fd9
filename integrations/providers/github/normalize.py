"""One record of the REST API, in whichever of its shapes, becomes drafts. Pure."""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import msgspec

from common.errors import RecordError
from common.jsontext import strip_nul
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
    WorkflowRunDraft,
)
from integrations.providers.github import graphql, nodes, shapes
from integrations.providers.github.drafting import Drafting, state_of
from integrations.providers.github.forgiving import decode_forgiving
from integrations.providers.github.owner import Owner
from integrations.providers.github.pages import unwrap
from integrations.providers.github.places import (
    Address,
    place_at,
    pull_request_of,
    repository_of,
)
from integrations.providers.github.responses import is_node

T = TypeVar("T", bound=msgspec.Struct)

_TYPES: Final[dict[str, type[shapes.Shape]]] = {
    "repositories": shapes.Repository,
    "pulls": shapes.PullRequest,
    "pull_commits": shapes.Commit,
    "reviews": shapes.Review,
    "review_comments": shapes.ReviewComment,
    "issue_comments": shapes.IssueComment,
    "deployments": shapes.Deployment,
    "workflow_runs": shapes.WorkflowRun,
}
_DECODERS: Final = {name: msgspec.json.Decoder(shape) for name, shape in _TYPES.items()}
_NODE_DECODERS: Final = {
    name: msgspec.json.Decoder(shape) for name, shape in graphql.NODE_TYPES.items()
}


def normalize(stream: str, record: Record) -> Normalized:
    """Turn a record of a stream into drafts; raise RecordError if it cannot be understood."""
    made = Drafting(record.position)
    try:
        owner, made.prefix, body = unwrap(stream, record.body)
        if is_node(stream, body):
            nodes.DRAFT[stream](_read(_NODE_DECODERS[stream], body, made), owner, made)
        else:
            _DRAFT[stream](_read(_DECODERS[stream], body, made), owner, made)
    except RecordError as error:
        path = f"{made.prefix}{error.path}".rstrip(".")
        raise RecordError(error.reason, strip_nul(error.detail), strip_nul(path)) from None
    return made.normalized()


def _read(decoder: msgspec.json.Decoder[T], body: bytes, made: Drafting) -> T:
    """Decode a body; its text is clean of NUL. What was cleaned or left out is remembered."""
    value, cleaned, left_out = decode_forgiving(body, decoder)
    if "surrogate" in cleaned:
        made.note("surrogate", "half a surrogate pair became U+FFFD")
    if "nul" in cleaned:
        made.note("nul", "NUL characters were removed")
        clean = msgspec.json.encode(strip_nul(msgspec.to_builtins(value)))
        value, _, emptied = decode_forgiving(clean, decoder)
        left_out += emptied
    for bad in left_out:
        made.left_out(bad)
    return value


def _href(link: shapes.Link | None) -> str | None:
    return link.href if link else None


def _linked(links: shapes.Links | None) -> tuple[Address, ...]:
    """Return the addresses of a record's `_links`, best first."""
    links = links or shapes.Links()
    return (
        ("_links.pull_request.href", _href(links.pull_request)),
        ("_links.html.href", _href(links.html)),
        ("_links.self.href", _href(links.self)),
    )


def _repository(shape: shapes.Repository, owner: Owner, made: Drafting) -> None:
    made.repository(shape, shape.id, shape.full_name, "", LISTED)


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
            labels=[
                label if isinstance(label, str) else label.name
                for label in shape.labels or ()
                if label is not None
            ],
        )
    )
    made.size(
        PullRequestSizeDraft(
            source_id=str(shape.id),
            updated_at=updated_at,
            additions=shape.additions,
            deletions=shape.deletions,
            changed_files=shape.changed_files,
            commit_count=shape.commits,
            comment_count=shape.comments,
            review_comment_count=shape.review_comments,
        )
    )


def _base_repository(
    shape: shapes.PullRequest, base: shapes.Base, owner: Owner, made: Drafting
) -> tuple[str, str | None]:
    """Return name and id, if it says so, of the repository that a pull request goes to."""
    repo = base.repo or shapes.BaseRepository()
    full_name = repo.full_name or repository_of(
        owner,
        ("url", shape.url),
        ("html_url", shape.html_url),
        ("base.repo.url", repo.url),
        *_linked(shape.links),
    )
    if repo.id is None:
        return full_name, None
    made.repository(repo, repo.id, full_name, "base.repo.", EMBEDDED)
    return full_name, str(repo.id)


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
            repository=repository_of(owner, *_addresses_of_commit(shape)),
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
            parent_shas=[parent.sha for parent in shape.parents or () if parent],
        )
    )


def _addresses_of_commit(shape: shapes.Commit) -> tuple[Address, ...]:
    parents = [
        (f"parents[{at}].{name}", getattr(parent, name))
        for at, parent in enumerate(shape.parents or ())
        for name in ("url", "html_url")
        if parent
    ]
    return (
        ("url", shape.url),
        ("html_url", shape.html_url),
        ("commit.url", shape.commit.url),
        *parents,
    )


def _review(shape: shapes.Review, owner: Owner, made: Drafting) -> None:
    repository, number = pull_request_of(
        owner,
        ("pull_request_url", shape.pull_request_url),
        ("html_url", shape.html_url),
        *_linked(shape.links),
    )
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
    repository, number = pull_request_of(
        owner,
        ("pull_request_url", shape.pull_request_url),
        ("html_url", shape.html_url),
        *_linked(shape.links),
    )
    draft = _comment(shape, "review", (repository, number), made)
    review = shape.pull_request_review_id
    draft.path, draft.line = shape.path, shape.line
    draft.review_source_id = None if review is None else str(review)
    draft.is_on_pull_request = True


def _issue_comment(shape: shapes.IssueComment, owner: Owner, made: Drafting) -> None:
    """A pull request is an issue too, so that not every address tells whether this is one."""
    addresses = (
        ("issue_url", shape.issue_url),
        ("html_url", shape.html_url),
        ("pull_request_url", shape.pull_request_url),
    )
    draft = _comment(shape, "issue", pull_request_of(owner, *addresses), made)
    places = (place_at(url, path) for path, url in addresses)
    if shape.pull_request or any(place and place.is_pull for place in places):
        draft.is_on_pull_request = True


def _comment(
    shape: shapes.IssueComment | shapes.ReviewComment,
    kind: Literal["issue", "review"],
    pull_request: tuple[str, int],
    made: Drafting,
) -> CommentDraft:
    """Add what both kinds of comments have."""
    user = shape.user or shapes.User()
    draft = CommentDraft(
        kind=kind,
        source_id=str(shape.id),
        repository=pull_request[0],
        pull_request_number=pull_request[1],
        author_source_id=made.account(user.id, user.login, user.type),
        author_login=user.login,
        body=shape.body,
        created_at=made.time(shape.created_at, "created_at"),
        updated_at=made.time(shape.updated_at, "updated_at"),
    )
    made.drafts.append(draft)
    return draft


def _deployment(shape: shapes.Deployment, owner: Owner, made: Drafting) -> None:
    addresses = (("repository_url", shape.repository_url), ("url", shape.url))
    creator = shape.creator or shapes.User()
    made.account(creator.id, creator.login, creator.type)
    made.drafts.append(
        DeploymentDraft(
            source_id=str(shape.id),
            repository=repository_of(owner, *addresses),
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


def _workflow_run(shape: shapes.WorkflowRun, owner: Owner, made: Drafting) -> None:
    repository = shape.repository or shapes.BaseRepository()
    actor = shape.actor or shapes.User()
    made.account(actor.id, actor.login, actor.type)
    made.drafts.append(
        WorkflowRunDraft(
            source_id=str(shape.id),
            repository=repository.full_name or repository_of(owner, ("url", shape.url)),
            name=shape.name,
            event=shape.event,
            status=shape.status,
            conclusion=shape.conclusion,
            run_number=shape.run_number,
            run_attempt=shape.run_attempt or 1,
            head_branch=shape.head_branch,
            head_sha=shape.head_sha,
            actor_login=actor.login,
            created_at=parse_time(shape.created_at, "created_at"),
            updated_at=parse_time(shape.updated_at, "updated_at"),
            run_started_at=made.time(shape.run_started_at, "run_started_at"),
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
    "workflow_runs": _workflow_run,
}
