"""Recordings that are served: every entity as it was recorded."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.replay import Recording, ReplayError
from tests.sandbox.jira_client import Client

ALL = "created >= 0 ORDER BY created ASC, id ASC"
BOARD_FIELDS = ("sprint", "closedSprints", "epic", "flagged")


def _lines(recording: Path, name: str) -> list[dict[str, Any]]:
    text = (recording / "jira" / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_issues_are_served_as_they_were_recorded(recording: Path) -> None:
    jira = Client(Recording(recording))
    recorded = {issue["id"]: issue for issue in _lines(recording, "issues")}
    names = sorted({name for issue in recorded.values() for name in issue["fields"]})
    served = jira.all(ALL, fields=names, expand="changelog", maxResults=4)
    assert len(served) == len(recorded)
    for issue in served:
        original = recorded[issue["id"]]
        assert _plain(issue["fields"]) == _plain(original["fields"])
        assert issue["key"] == original["key"]
        histories = original["changelog"]["histories"]
        assert _plain(issue["changelog"]["histories"]) == _plain(histories[:40])
        assert issue["changelog"]["total"] == len(histories)


def _plain(value: Any) -> Any:
    """Return a value without `self` links, which lead elsewhere now."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name != "self"}
    return value


def test_fields_of_the_board_are_served_when_they_are_named(recording: Path) -> None:
    jira = Client(Recording(recording))
    recorded = {issue["id"]: issue for issue in _lines(recording, "issues")}
    for issue in jira.all(ALL, fields=["*all"]):
        assert not set(issue["fields"]) & set(BOARD_FIELDS)
    for issue in jira.all(ALL, fields=[*BOARD_FIELDS]):
        has = {name for name in BOARD_FIELDS if name in recorded[issue["id"]]["fields"]}
        assert set(issue["fields"]) == has


def test_metadata_is_served_whole(recording: Path) -> None:
    jira = Client(Recording(recording))
    for path, name in (("/status", "statuses"), ("/issuetype", "issue_types")):
        assert _plain(jira.get(path).json()) == _plain(_lines(recording, name))
    users = jira.get("/users/search", maxResults=1_000).json()
    assert _plain(users) == _plain(_lines(recording, "users"))
    listed = {project["id"] for project in jira.get("/project").json()}
    assert {project["id"] for project in _lines(recording, "projects")} <= listed


def test_every_recorded_sprint_is_found_by_its_board(recording: Path) -> None:
    jira = Client(Recording(recording))
    agile = "/jira/rest/agile/1.0/board"
    found = set()
    for board in jira.get(agile, maxResults=50).json()["values"]:
        page = jira.get(f"{agile}/{board['id']}/sprint", maxResults=50).json()
        found |= {sprint["id"] for sprint in page["values"]}
    assert found == {sprint["id"] for sprint in _lines(recording, "sprints")}


def test_the_ledger_counts_what_was_recorded(recording: Path) -> None:
    tables = Client(Recording(recording)).tables()
    issues = _lines(recording, "issues")
    items = [i for issue in issues for h in issue["changelog"]["histories"] for i in h["items"]]
    assert tables["work_items"] == len(issues)
    assert tables["work_item_changelogs"] == len(items)
    assert tables["statuses"] == len(_lines(recording, "statuses"))
    assert tables["sprints"] >= len(_lines(recording, "sprints"))


def test_fields_that_were_not_recorded_are_read_off_the_issues(recording: Path) -> None:
    jira = Client(Recording(recording))
    listed = {field["id"] for field in jira.get("/field").json()}
    if (recording / "jira" / "fields.jsonl").exists():
        return
    used = {n for issue in _lines(recording, "issues") for n in issue["fields"]}
    assert {name for name in used if name.startswith("customfield_")} <= listed


def test_time_begins_at_the_newest_change(recording: Path) -> None:
    jira = Client(Recording(recording))
    newest = max(row["updated_at"] for row in jira.rows("work_items"))
    assert f"{jira.organisation.clock.moment:%Y-%m-%dT%H:%M:%S}" >= newest[:19]


def test_a_replayed_issue_can_be_changed(recording: Path) -> None:
    jira = Client(Recording(recording))
    since = jira.organisation.clock.now
    done = jira.mutate("edit", count=2, what="summary")
    assert sorted(i["id"] for i in jira.all(f"updated > {since}")) == sorted(done["ids"])
    assert jira.mutate("create")["keys"]


def test_pages_as_the_api_gave_them_are_read_like_lines(tmp_path: Path, recording: Path) -> None:
    folder = tmp_path / "jira" / "issues"
    folder.mkdir(parents=True)
    issues = _lines(recording, "issues")
    (folder / "1.json").write_text(json.dumps({"issues": issues[:3], "isLast": False}))
    (folder / "2.jsonl").write_text("\n".join(map(json.dumps, issues[3:5])))
    (folder / "3.json").write_text(json.dumps(issues[5]))
    jira = Client(Recording(tmp_path))
    assert {i["id"] for i in jira.all(ALL)} == {issue["id"] for issue in issues[:6]}


def test_of_two_versions_of_an_issue_the_newer_is_served(tmp_path: Path, recording: Path) -> None:
    issue = _lines(recording, "issues")[0]
    newer = json.loads(json.dumps(issue))
    newer["fields"] |= {"summary": "newer", "updated": "2030-01-01T00:00:00.000+0000"}
    (tmp_path / "jira").mkdir()
    lines = map(json.dumps, (newer, issue))
    (tmp_path / "jira" / "issues.jsonl").write_text("\n".join(lines))
    found = Client(Recording(tmp_path)).all(ALL, fields=["summary"])
    assert [each["fields"]["summary"] for each in found] == ["newer"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("nothing.txt", "", "holds neither"),
        ("jira/issues.jsonl", '{"id": ', "line 1 is no JSON"),
        ("jira/issues.jsonl", '{"id": "1"}', "Issue 1 of the recording"),
    ],
)
def test_what_is_no_recording_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    with pytest.raises(ReplayError, match=message):
        Client(Recording(tmp_path))
