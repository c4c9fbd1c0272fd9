"""Read the sandbox's GitHub through githubkit's parsed models; print one JSON object.

usage: check_githubkit.py READY-LINE VERSION
"""

import json
import sys
import urllib.request
from typing import Any

from githubkit import AppAuthStrategy, GitHub  # type: ignore[import-not-found]
from githubkit.exception import (  # type: ignore[import-not-found]
    GraphQLFailed,
    PrimaryRateLimitExceeded,
    RequestFailed,
    SecondaryRateLimitExceeded,
)


def control(ready: dict[str, Any], what: str, body: dict[str, Any] | None = None) -> Any:
    """Steer the sandbox, or look at it."""
    root = ready["ledger"].removesuffix("/ledger")
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{root}/control/{what}", data) as answer:
        return json.load(answer)


def refusal(call: Any) -> Any:
    """Return status and kind of the error that a call ends with."""
    try:
        call()
    except PrimaryRateLimitExceeded as error:
        return [error.response.status_code, "primary"]
    except SecondaryRateLimitExceeded as error:
        return [error.response.status_code, "secondary"]
    except RequestFailed as error:
        return [error.response.status_code, "failed"]
    except GraphQLFailed as error:
        return [200, error.response.errors[0].message]
    return "was not refused"


def read_below(rest: Any, every: Any, numbers: list[int]) -> dict[str, Any]:
    """Read what is in each pull request; `every` pages through a list of a repository."""
    commits, reviews, comments = [], [], []
    for number in numbers:
        commits += [[number, c.sha] for c in every(rest.pulls.list_commits, pull_number=number)]
        reviews += [r.id for r in every(rest.pulls.list_reviews, pull_number=number)]
        comments += [c.id for c in every(rest.pulls.list_review_comments, pull_number=number)]
    return {"commits": commits, "reviews": reviews, "review_comments": comments}


def read_repository(github: Any, rest: Any, owner: str, name: str) -> dict[str, Any]:
    """Read everything in a repository to the end, each answer parsed into its model."""
    place = {"owner": owner, "repo": name}

    def every(method: Any, **more: Any) -> list[Any]:
        return list(github.rest.paginate(method, per_page=19, **place, **more))

    pulls = every(rest.pulls.list, state="all", sort="updated", direction="desc")
    known = next(pull for pull in pulls if pull.user is not None)
    detail = rest.pulls.get(**place, pull_number=known.number).parsed_data
    deployments = every(rest.repos.list_deployments)
    statuses = [
        rest.repos.list_deployment_statuses(**place, deployment_id=each.id).parsed_data[0].state
        for each in deployments
    ]
    runs = list(
        github.rest.paginate(
            rest.actions.list_workflow_runs_for_repo,
            map_func=lambda answer: answer.parsed_data.workflow_runs,
            per_page=19,
            **place,
        )
    )
    rest.issues.get(**place, issue_number=known.number).parsed_data  # noqa: B018
    rest.repos.get(**place).parsed_data  # noqa: B018
    rest.actions.list_repo_workflows(**place).parsed_data  # noqa: B018
    return {
        "pulls": [pull.id for pull in pulls],
        **read_below(rest, every, [pull.number for pull in pulls]),
        "listed_review_comments": [
            each.id for each in every(rest.pulls.list_review_comments_for_repo)
        ],
        "issue_comments": [each.id for each in every(rest.issues.list_comments_for_repo)],
        "issues": [each.number for each in every(rest.issues.list_for_repo, state="all")],
        "deployments": [each.id for each in deployments],
        "statuses": statuses,
        "runs": [each.id for each in runs],
        "detail": [detail.additions, detail.merged],
        "merged": len(every(rest.repos.list_commits)),
        "has_merge_commit_sha": hasattr(detail, "merge_commit_sha"),
    }


def as_app(ready: dict[str, Any], base: str) -> list[str]:
    """Sign in as an app and as its installation; return what that sees."""
    accounts = control(ready, "accounts")["github"]
    app = next(each for each in accounts if each["kind"] == "app")
    strategy = AppAuthStrategy(app["app_id"], app["private_key"])
    itself = GitHub(strategy, base_url=base, auto_retry=False)
    itself.rest.apps.get_authenticated().parsed_data  # noqa: B018
    installed = strategy.as_installation(int(app["installation_id"]))
    github = GitHub(installed, base_url=base, auto_retry=False)
    seen = github.rest.apps.list_repos_accessible_to_installation().parsed_data.repositories
    return [each.full_name for each in seen]


def main() -> None:
    """Check everything that a loader uses."""
    ready, version = json.loads(sys.argv[1]), sys.argv[2]
    base = f"{ready['github']['base_url']}/api/v3"
    token = ready["github"]["token"]
    github = GitHub(token, base_url=base, auto_retry=False, http_cache=False)
    rest = github.rest(version)
    owner = ready["github"]["settings"]["repositories"].partition("/")[0]
    repositories = rest.repos.list_for_org(owner, per_page=1).parsed_data
    names = [e.name for e in github.rest.paginate(rest.repos.list_for_org, org=owner, per_page=1)]
    found: dict[str, Any] = {
        "login": rest.users.get_authenticated().parsed_data.login,
        "organization": rest.orgs.get(owner).parsed_data.login,
        "first_page": len(repositories),
        "mine": len(rest.repos.list_for_authenticated_user().parsed_data),
        "found": rest.search.repos(q=f"org:{owner}").parsed_data.total_count,
        "limit": rest.rate_limit.get().parsed_data.resources.core.limit,
        "read": {name: read_repository(github, rest, owner, name) for name in names},
        "installed": as_app(ready, base),
        "viewer": github.graphql("query{viewer{login}}")["viewer"]["login"],
    }
    wrong = GitHub("wrong", base_url=base, auto_retry=False)
    found["refused"] = {
        "missing": refusal(lambda: rest.repos.get(owner, "none")),
        "unsigned": refusal(wrong.rest(version).users.get_authenticated),
        "query": refusal(lambda: github.graphql('{organization(login:"none"){id}}')),
    }
    for kind, status in (("primary", 403), ("primary", 429), ("secondary", 403)):
        rule = {"kind": f"github-{kind}", "limit": 1, "window_seconds": 60, "status": status}
        control(ready, "limits", {"rules": [rule]})
        rest.meta.get()
        found["refused"][f"{kind} {status}"] = refusal(rest.meta.get)
    control(ready, "limits", {"rules": []})
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
