"""The queries of the GraphQL API, and what of their answers the walks go by.

Sizes keep a page of 50 pull requests below 20 of the 5,000 points an hour: each connection in a
list counts as often as the list is long.
"""

from typing import Final

COMMITS: Final = 25
REVIEWS: Final = 20
COMMENTS: Final = 20
THREADS: Final = 10
THREAD_COMMENTS: Final = 10
PARENTS: Final = 10
LABELS: Final = 50
MOST: Final = 100
"""The most nodes that a connection gives."""

_PAGE: Final = "pageInfo{hasNextPage endCursor}"
_WHO: Final = (
    "{__typename login url ...on User{databaseId} ...on Bot{databaseId}"
    " ...on Mannequin{databaseId} ...on Organization{databaseId}}"
)
_GIT: Final = "{name email date user{__typename login databaseId}}"

COMMIT_FIELDS: Final = (
    f"totalCount {_PAGE} nodes{{url commit{{oid message authoredDate committedDate author{_GIT}"
    f" committer{_GIT} parents(first:{PARENTS}){{nodes{{oid}}}}}}}}"
)
REVIEW_FIELDS: Final = (
    f"totalCount {_PAGE} nodes{{fullDatabaseId url state body submittedAt author{_WHO}"
    " commit{oid}}"
)
COMMENT_FIELDS: Final = (
    f"totalCount {_PAGE} nodes{{fullDatabaseId url body createdAt updatedAt author{_WHO}}}"
)
LINE_COMMENT_FIELDS: Final = (
    f"{_PAGE} nodes{{fullDatabaseId url body createdAt updatedAt path line author{_WHO}"
    " pullRequestReview{fullDatabaseId}}"
)
THREAD_FIELDS: Final = (
    f"{_PAGE} nodes{{id comments(first:{THREAD_COMMENTS}){{{LINE_COMMENT_FIELDS}}}}}"
)

_PULL: Final = (
    "{id fullDatabaseId number url title body state isDraft createdAt updatedAt closedAt mergedAt"
    f" merged author{_WHO} headRefName headRefOid headRepository{{nameWithOwner}}"
    " baseRefName baseRefOid baseRepository{databaseId nameWithOwner}"
    f" mergeCommit{{oid}} potentialMergeCommit{{oid}} labels(first:{LABELS}){{nodes{{name}}}}"
    " additions deletions changedFiles"
    f" commits(first:{COMMITS}){{{COMMIT_FIELDS}}}"
    f" reviews(first:{REVIEWS}){{{REVIEW_FIELDS}}}"
    f" comments(first:{COMMENTS}){{{COMMENT_FIELDS}}}"
    f" reviewThreads(first:{THREADS}){{{THREAD_FIELDS}}}}}"
)
_DEPLOYMENT: Final = (
    "{databaseId environment commitOid task state createdAt updatedAt ref{name}"
    f" latestStatus{{state}} creator{_WHO}}}"
)
_PULLS: Final = "pullRequests(first:$first,after:$after,orderBy:{field:UPDATED_AT,direction:DESC})"
_DEPLOYMENTS: Final = (
    "deployments(first:$first,after:$after,orderBy:{field:CREATED_AT,direction:DESC})"
)
_OWN: Final = "id databaseId nameWithOwner"

REPOSITORIES: Final = (
    f"query($ids:[ID!]!){{nodes(ids:$ids){{...on Repository{{{_OWN} isPrivate isArchived isFork"
    " createdAt updatedAt pushedAt defaultBranchRef{name}}}}"
)


def _of_repositories(fields: str, connection: str) -> tuple[str, str]:
    """Return the query of a connection of one repository, and that of several."""
    part = f"...on Repository{{{_OWN} {connection}{{{_PAGE} nodes{fields}}}}}"
    return (
        f"query($id:ID!,$first:Int!,$after:String){{node(id:$id){{{part}}}}}",
        f"query($ids:[ID!]!,$first:Int!,$after:String){{nodes(ids:$ids){{{part}}}}}",
    )


PULLS, PULLS_OF_MANY = _of_repositories(_PULL, _PULLS)
DEPLOYMENTS, DEPLOYMENTS_OF_MANY = _of_repositories(_DEPLOYMENT, _DEPLOYMENTS)
NEWEST, NEWEST_OF_MANY = _of_repositories("{id updatedAt}", _PULLS)
"""Nothing but when pull requests were updated: for what is only passed by."""


PULL: Final = (
    "query($id:ID!,$number:Int!){node(id:$id){...on Repository{"
    f"{_OWN} pullRequest(number:$number){_PULL}}}}}}}"
)
"""One pull request of a repository, by its number."""


def _of_pull_request(connection: str, fields: str) -> str:
    return (
        "query($id:ID!,$first:Int!,$after:String){node(id:$id){...on PullRequest{"
        f"number repository{{nameWithOwner}} {connection}(first:$first,after:$after)"
        f"{{{fields}}}}}}}}}"
    )


NESTED: Final = {
    "commits": _of_pull_request("commits", COMMIT_FIELDS),
    "reviews": _of_pull_request("reviews", REVIEW_FIELDS),
    "comments": _of_pull_request("comments", COMMENT_FIELDS),
    "reviewThreads": _of_pull_request("reviewThreads", THREAD_FIELDS),
    "threadComments": (
        "query($id:ID!,$first:Int!,$after:String){node(id:$id){...on PullRequestReviewThread{"
        "pullRequest{number repository{nameWithOwner}} comments(first:$first,after:$after)"
        f"{{{LINE_COMMENT_FIELDS}}}}}}}}}"
    ),
}
