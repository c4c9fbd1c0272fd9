"""Read the sandbox's Jira through pycontribs' jira, Cloud or Data Center; print one JSON object.

usage: check_pycontribs.py READY-LINE [--without-kanban]
"""

import json
import sys
import urllib.request
from typing import Any

from jira import JIRA, JIRAError  # type: ignore[import-not-found]


def connect(ready: dict[str, Any], token: str) -> Any:
    """Return a client that retries nothing."""
    base = ready["jira"]["base_url"]
    options = {"agile_rest_path": "agile", "rest_api_version": "latest"}
    if "flavour" in ready["jira"]["settings"]:
        return JIRA(server=base, options=options, token_auth=token, max_retries=0)
    basic = (ready["jira"]["user"], token)
    return JIRA(server=base, options=options, basic_auth=basic, max_retries=0)


def control(ready: dict[str, Any], what: str, body: dict[str, Any]) -> None:
    """Steer the sandbox."""
    root = ready["ledger"].removesuffix("/ledger")
    data = json.dumps(body).encode()
    urllib.request.urlopen(f"{root}/control/{what}", data).read()


def refusal(call: Any) -> Any:
    """Return status and text of the error that a call ends with."""
    try:
        call()
    except JIRAError as error:
        return [error.status_code, error.text]
    return "was not refused"


def main() -> None:
    """Check everything that a loader uses."""
    ready = json.loads(sys.argv[1])
    jira = connect(ready, ready["jira"]["token"])
    found: dict[str, Any] = {"is_cloud": jira._is_cloud, "myself": jira.myself()["displayName"]}
    jql = "created >= 0 ORDER BY updated ASC, id ASC"
    issues = jira.search_issues(jql, maxResults=False, expand="changelog", fields="*all")
    found["issues"] = [issue.id for issue in issues]
    found["histories"] = sum(len(issue.changelog.histories) for issue in issues)
    issue = jira.issue(issues[0].key, expand="changelog")
    found["issue"] = [issue.id, issue.fields.status.name, issue.fields.project.key]
    found["projects"] = [project.key for project in jira.projects()]
    found["project"] = jira.project(found["projects"][0]).id
    found["types"] = len(jira.issue_types())
    found["statuses"] = len(jira.statuses())
    found["fields"] = len(jira.fields())
    boards = jira.boards(maxResults=False)
    found["boards"] = [board.type for board in boards]
    scrum = next(board for board in boards if board.type == "scrum")
    has_kanban = "--without-kanban" not in sys.argv
    sprints = jira.sprints(scrum.id, maxResults=False)
    found["sprints"] = len(sprints)
    found["sprint"] = jira.sprint(sprints[0].id).name
    found["refused"] = {
        "missing": refusal(lambda: jira.issue("NONE-1")),
        "unsigned": refusal(lambda: connect(ready, "wrong").myself()),
        "jql": refusal(lambda: jira.search_issues("nonsense = 1")),
    }
    if has_kanban:
        kanban = next(board for board in boards if board.type != "scrum")
        found["refused"]["kanban"] = refusal(lambda: jira.sprints(kanban.id))
    rule = {"kind": "jira-quota-tenant-based", "limit": 1, "window_seconds": 60}
    control(ready, "limits", {"rules": [rule]})
    jira.myself()
    found["refused"]["limited"] = refusal(jira.myself)
    control(ready, "limits", {"rules": []})
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
