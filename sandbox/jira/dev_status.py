"""The development panel: pull requests that name an issue, as an undocumented API gives them."""

from typing import Any

from sandbox.generate.github import PullSet
from sandbox.jira.calls import ApiError, Call

_STATES = {"open": "OPEN", "closed": "DECLINED", "merged": "MERGED"}


def summary(call: Call) -> Any:
    """Answer GET dev-status/1.0/issue/summary."""
    pulls = _pulls(call)
    newest = max((each.pull["updated_at"] for each in pulls), default=None)
    kinds = {"GitHub": {"count": len(pulls), "name": "GitHub"}} if pulls else {}
    overall: dict[str, Any] = {
        "count": len(pulls),
        "lastUpdated": newest,
        "dataType": "pullrequest",
    }
    if pulls:
        states = [_state(each) for each in pulls]
        best = next(state for state in ("OPEN", "MERGED", "DECLINED") if state in states)
        overall |= {"stateCount": states.count(best), "state": best, "open": best == "OPEN"}
    empty = {"overall": {"count": 0, "lastUpdated": None}, "byInstanceType": {}}
    return {
        "errors": [],
        "configErrors": [],
        "summary": {
            "pullrequest": {"overall": overall, "byInstanceType": kinds},
            **dict.fromkeys(("build", "review", "deployment-environment"), empty),
            **dict.fromkeys(("repository", "branch"), empty),
        },
    }


def detail(call: Call) -> Any:
    """Answer GET dev-status/1.0/issue/detail; only pull requests at GitHub have any."""
    is_asked = call.text("applicationType").lower() == "github"
    pulls = _pulls(call) if is_asked and call.text("dataType") == "pullrequest" else []
    shown = [
        {
            "id": f"#{each.number}",
            "name": each.pull["title"],
            "status": _state(each),
            "url": each.pull["html_url"],
            "lastUpdate": each.pull["updated_at"],
            "source": {"branch": each.pull["head"]["ref"], "url": each.pull["html_url"]},
            "destination": {"branch": each.pull["base"]["ref"], "url": each.pull["html_url"]},
            "repositoryName": each.pull["base"]["repo"]["full_name"],
            "author": {"name": (each.pull["user"] or {}).get("login", "ghost")},
            "commentCount": len(each.issue_comments),
            "reviewers": [],
        }
        for each in pulls
    ]
    return {"errors": [], "detail": [{"repositories": [], "branches": [], "pullRequests": shown}]}


def _state(each: PullSet) -> str:
    return _STATES["merged" if each.pull["merged_at"] else each.pull["state"]]


def _pulls(call: Call) -> list[PullSet]:
    """Return the pull requests that name the issue in their branch, title, body or commits."""
    wanted = call.text("issueId")
    if not wanted.isdigit():
        raise ApiError(400, "The issueId must be a number.")
    row = call.store.visible_row(wanted, call.account)
    world = call.organisation.world
    if row is None:
        raise ApiError(404, "Issue does not exist or you do not have permission to see it.")
    if world is None or row >= world.items:
        return []
    # Pull request n is about item 3 n + 1.
    about, rest = divmod(row - 1, 3)
    if rest or not 0 <= about < world.pulls:
        return []
    found = world.github.pull_set(about)
    key = call.store.key(row).lower()
    texts = [found.pull["title"], found.pull["body"] or "", found.pull["head"]["ref"]]
    texts += [commit["commit"]["message"] for commit in found.commits]
    return [found] if any(key in text.lower() for text in texts) else []
