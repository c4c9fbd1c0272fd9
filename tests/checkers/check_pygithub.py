"""Read the sandbox's GitHub through PyGithub; print one JSON object.

usage: check_pygithub.py READY-LINE
"""

import json
import sys
import urllib.request
from typing import Any

from github import (  # type: ignore[import-not-found]
    Auth,
    Github,
    GithubException,
    GithubIntegration,
    RateLimitExceededException,
)


def control(ready: dict[str, Any], what: str, body: dict[str, Any] | None = None) -> Any:
    """Steer the sandbox, or look at it."""
    root = ready["ledger"].removesuffix("/ledger")
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{root}/control/{what}", data) as answer:
        return json.load(answer)


def client(ready: dict[str, Any], auth: Any) -> Any:
    """Return a client that retries nothing and does not slow itself down."""
    base = f"{ready['github']['base_url']}/api/v3"
    return Github(
        base_url=base,
        auth=auth,
        retry=None,
        per_page=17,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )


def refusal(call: Any) -> Any:
    """Return status and type of the error that a call ends with."""
    try:
        call()
    except GithubException as error:
        limited = isinstance(error, RateLimitExceededException)
        return [error.status, "limit" if limited else type(error).__name__]
    return "was not refused"


def read_repository(repository: Any) -> dict[str, Any]:
    """Read everything in a repository to the end."""
    pulls = list(repository.get_pulls(state="all", sort="updated", direction="desc"))
    commits, reviews = [], []
    for pull in pulls:
        commits += [[pull.number, each.sha] for each in pull.get_commits()]
        reviews += [each.id for each in pull.get_reviews()]
    detail = repository.get_pull(pulls[0].number)
    deployments = list(repository.get_deployments())
    return {
        "pulls": [pull.id for pull in pulls],
        "commits": commits,
        "reviews": reviews,
        "review_comments": [each.id for each in repository.get_pulls_comments()],
        "issue_comments": [each.id for each in repository.get_issues_comments()],
        "issues": [each.number for each in repository.get_issues(state="all")],
        "deployments": [each.id for each in deployments],
        "statuses": [next(iter(each.get_statuses())).state for each in deployments],
        "runs": [each.id for each in repository.get_workflow_runs()],
        "workflows": [each.name for each in repository.get_workflows()],
        "detail": [detail.additions, detail.deletions, detail.changed_files, detail.merged],
        "merged": len(list(repository.get_commits())),
    }


def as_app(ready: dict[str, Any]) -> dict[str, Any]:
    """Sign in as an app and as its installation."""
    accounts = control(ready, "accounts")["github"]
    app = next(each for each in accounts if each["kind"] == "app")
    auth = Auth.AppAuth(int(app["app_id"]), app["private_key"])
    integration = GithubIntegration(
        auth=auth, base_url=f"{ready['github']['base_url']}/api/v3", retry=None
    )
    installed = auth.get_installation_auth(int(app["installation_id"]))
    return {
        "app": integration.get_app().slug,
        "installations": [each.id for each in integration.get_installations()],
        "installed": [
            each.full_name
            for installation in integration.get_installations()
            for each in installation.get_repos()
        ],
        "by_installation": client(ready, installed).get_repo("acme/storefront").full_name,
    }


def main() -> None:
    """Check everything that a loader uses."""
    ready = json.loads(sys.argv[1])
    github = client(ready, Auth.Token(ready["github"]["token"]))
    owner = ready["github"]["settings"]["repositories"].partition("/")[0]
    repositories = list(github.get_organization(owner).get_repos())
    found: dict[str, Any] = {
        "login": github.get_user().login,
        "repositories": [each.full_name for each in repositories],
        "searched": [each.full_name for each in github.search_repositories(f"org:{owner}")],
        "read": {each.full_name: read_repository(each) for each in repositories},
        "limit": github.get_rate_limit().resources.core.limit,
        **as_app(ready),
    }
    name = found["repositories"][0]
    found["before"] = name
    new_name = f"{name.partition('/')[2]}-2"
    rename = {"op": "github.rename", "repository": name, "name": new_name}
    control(ready, "mutate", {"do": [rename]})
    found["renamed"] = github.get_repo(name).full_name
    found["refused"] = {
        "missing": refusal(lambda: github.get_repo(f"{owner}/none")),
        "unsigned": refusal(lambda: client(ready, Auth.Token("wrong")).get_user().login),
    }
    for kind, status in (("primary", 403), ("primary", 429), ("secondary", 403)):
        rule = {"kind": f"github-{kind}", "limit": 1, "window_seconds": 60, "status": status}
        control(ready, "limits", {"rules": [rule]})
        github.get_repo(found["renamed"])
        call = refusal(lambda: github.get_repo(found["renamed"]))
        found["refused"][f"{kind} {status}"] = call
    control(ready, "limits", {"rules": []})
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
