"""What people change in Jira, and how each change shows itself."""

from typing import Any

import pytest

from sandbox.generate.world import World
from tests.sandbox.jira_client import Client

ALL = "created >= 0 ORDER BY updated ASC, id ASC"


def _walked(jira: Client) -> dict[str, dict[str, Any]]:
    """Return all issues as a loader gets them, by id."""
    return {issue["id"]: issue for issue in jira.all(ALL, fields=["*all"], expand="changelog")}


def _agrees_with_ledger(jira: Client) -> None:
    walked = _walked(jira)
    rows = {row["source_id"]: row for row in jira.rows("work_items")}
    assert walked.keys() == rows.keys()
    for source_id, row in rows.items():
        issue = walked[source_id]
        fields = issue["fields"]
        assert issue["key"] == row["key"]
        assert fields["project"]["id"] == row["project_source_id"]
        assert fields["status"]["id"] == row["status_source_id"]
        assert fields["issuetype"]["id"] == row["type_source_id"]
        assert issue["changelog"]["total"] == row["histories"]
    changes = jira.rows("work_item_changelogs")
    assert jira.tables()["work_item_changelogs"] == len(changes)
    assert jira.tables()["work_items"] == len(rows)


def test_the_ledger_agrees_with_the_api_before_and_after_every_change(jira: Client) -> None:
    _agrees_with_ledger(jira)
    for op in ("edit", "touch", "create", "delete", "move", "change_type"):
        jira.mutate(op, count=5)
        _agrees_with_ledger(jira)
    jira.mutate("delete_status", status="QA")
    jira.mutate("hide_project", project="PAY")
    jira.mutate("archive_project", project="OPS")
    _agrees_with_ledger(jira)
    jira.mutate("show_project", project="PAY")
    jira.mutate("restore_project", project="OPS")
    _agrees_with_ledger(jira)


def test_a_status_move_is_a_history_with_ids_and_names(jira: Client) -> None:
    before = jira.get("/issue/SHOP-2", fields="status,updated").json()["fields"]
    jira.mutate("edit", ids=["SHOP-2"], what="status")
    after = jira.get("/issue/SHOP-2", expand="changelog").json()
    item = after["changelog"]["histories"][0]["items"][0]
    assert (item["field"], item["fieldId"]) == ("status", "status")
    assert (item["from"], item["fromString"]) == (before["status"]["id"], before["status"]["name"])
    now = after["fields"]["status"]
    assert (item["to"], item["toString"]) == (now["id"], now["name"])
    assert after["fields"]["updated"] == after["changelog"]["histories"][0]["created"]
    is_done = now["statusCategory"]["key"] == "done"
    assert (after["fields"]["resolution"] is not None) is is_done


@pytest.mark.parametrize("what", ["summary", "points", "labels", "duedate"])
def test_an_edit_changes_the_field_and_when_it_was_updated(jira: Client, what: str) -> None:
    field = {"points": "customfield_10026"}.get(what, what)
    since = jira.organisation.clock.now
    jira.mutate("edit", ids=["SHOP-2"], what=what)
    assert jira.keys(f"updated > {since}") == ["SHOP-2"]
    issue = jira.get("/issue/SHOP-2", expand="changelog").json()
    assert issue["changelog"]["histories"][0]["items"][0]["fieldId"] == field


def test_a_moved_issue_keeps_its_id_and_is_found_by_its_former_key(jira: Client) -> None:
    done = jira.mutate("move", ids=["SHOP-2"], project="OPS")
    key = done["keys"]["SHOP-2"]
    assert key.startswith("OPS-")
    issue = jira.get("/issue/SHOP-2", expand="changelog").json()
    assert (issue["id"], issue["key"], issue["fields"]["project"]["key"]) == ("100001", key, "OPS")
    changed = {item["field"]: item for item in issue["changelog"]["histories"][0]["items"]}
    assert changed["Key"]["fromString"] == "SHOP-2"
    assert changed["Key"]["toString"] == key
    # The project has types and statuses of its own.
    assert {"project", "issuetype", "Workflow", "status"} <= changed.keys()
    assert key in jira.keys("project = OPS")
    assert "SHOP-2" not in jira.keys("project = SHOP")
    moved = jira.http.get("/ledger/gone").json()["moved"]
    assert [(each["from_key"], each["to_key"]) for each in moved] == [("SHOP-2", key)]


def test_a_deleted_issue_is_nowhere(jira: Client) -> None:
    jira.mutate("delete", ids=["SHOP-2"])
    assert jira.get("/issue/SHOP-2").status_code == 404
    assert jira.get("/issue/100001").status_code == 404
    assert "SHOP-2" not in jira.keys("project = SHOP")
    gone = jira.http.get("/ledger/gone").json()["work_items"]
    assert [(each["source_id"], each["reason"]) for each in gone] == [("100001", "deleted")]


def test_a_new_issue_gets_the_next_key_and_never_an_old_one(jira: Client) -> None:
    first = jira.mutate("create", project="PAY")["keys"][0]
    jira.mutate("delete", ids=[first])
    second = jira.mutate("create", project="PAY")["keys"][0]
    assert int(second.split("-")[1]) == int(first.split("-")[1]) + 1
    assert jira.get(f"/issue/{second}").json()["fields"]["project"]["key"] == "PAY"


def test_a_hidden_project_is_a_missing_one(jira: Client) -> None:
    assert jira.keys("project = PAY")
    jira.mutate("hide_project", project="PAY")
    assert "does not exist for the field 'project'" in jira.refusal("project = PAY")
    assert jira.get("/issue/PAY-1").status_code == 404
    assert jira.get("/project/PAY").status_code == 404
    assert "PAY" not in [each["key"] for each in jira.get("/project").json()]
    assert not any(key.startswith("PAY") for key in jira.keys(ALL))
    gone = jira.http.get("/ledger/gone").json()
    assert {each["why"] for each in gone["work_items"]} == {"hidden"}


def test_an_archived_project_is_listed_only_among_the_archived(jira: Client) -> None:
    jira.mutate("archive_project", project="PAY")
    live = [each["key"] for each in jira.get("/project/search").json()["values"]]
    archived = jira.get("/project/search", status="archived").json()["values"]
    assert ("PAY" in live, [each["key"] for each in archived]) == (False, ["PAY"])
    assert jira.get("/issue/PAY-1").status_code == 404


def test_a_renamed_status_has_its_new_name_everywhere_but_in_histories(jira: Client) -> None:
    row = next(r for r in jira.rows("work_items") if r["source_status"] == "Done")
    since = jira.organisation.clock.now
    jira.mutate("rename_status", status=row["status_source_id"], name="Finished")
    issue = jira.get(f"/issue/{row['key']}", expand="changelog").json()
    assert issue["fields"]["status"]["name"] == "Finished"
    names = [i["toString"] for h in issue["changelog"]["histories"] for i in h["items"]]
    assert "Done" in names
    assert jira.all(f"updated > {since}") == []
    assert "Finished" in [each["name"] for each in jira.get("/status").json()]


def test_a_deleted_status_leaves_its_issues_in_another(jira: Client) -> None:
    row = next(r for r in jira.rows("work_items") if r["source_status"] == "In Progress")
    done = jira.mutate("delete_status", status=row["status_source_id"], to="Blocked")
    assert row["source_id"] in done["ids"]
    issue = jira.get(f"/issue/{row['key']}", expand="changelog").json()
    assert issue["fields"]["status"]["name"] == "Blocked"
    changed = [item["field"] for item in issue["changelog"]["histories"][0]["items"]]
    assert changed[:2] == ["Workflow", "status"]
    listed = [each["id"] for each in jira.get("/status").json()]
    assert row["status_source_id"] not in listed


def test_many_issues_touched_in_one_minute_are_told_apart(jira: Client) -> None:
    since = jira.organisation.clock.now
    jira.mutate("touch", count=150)
    query = f"updated > {since} ORDER BY updated ASC, id ASC"
    found = [issue["id"] for issue in jira.all(query, maxResults=13)]
    assert len(found) == len(set(found)) == 150
    updated = [row["updated_at"] for row in jira.rows("work_items") if row["source_id"] in found]
    assert len({at[:16] for at in updated}) == 1


def test_a_change_falls_between_two_pages(jira: Client) -> None:
    after = {"path": "search/jql", "nth": 2}
    jira.control("script", after_request=after, do=[{"op": "jira.delete", "ids": ["100199"]}])
    pages = jira.pages("created >= 0 ORDER BY id ASC", maxResults=90)
    assert len(next(pages)["issues"]) == 90
    assert jira.get("/issue/100199").status_code == 200
    next(pages)
    assert jira.get("/issue/100199").status_code == 404
    assert [issue["id"] for issue in next(pages)["issues"]][-1] == "100198"


def test_the_same_changes_in_the_same_order_do_the_same() -> None:
    def changed() -> list[dict[str, Any]]:
        jira = Client(World(items=60, seed=9, shape="v3"))
        for op in ("edit", "move", "create", "delete", "change_type", "touch"):
            jira.mutate(op, count=4)
        return jira.rows("work_items")

    assert changed() == changed()


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "jira.nonsense"}, "there is no 'jira.nonsense'"),
        ({"op": "jira.edit", "ids": ["NONE-1"]}, "there is no issue NONE-1"),
        ({"op": "jira.edit", "count": 9_999}, "there are only 200"),
        ({"op": "jira.move", "project": "NONE"}, "there is no project NONE"),
        ({"op": "jira.archive_project"}, "the argument 'project' is missing"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(
    jira: Client, operation: dict[str, Any], message: str
) -> None:
    answer = jira.http.post("/control/mutate", json={"do": [operation]})
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_time_passes_only_with_changes_and_by_control(jira: Client) -> None:
    dates = [jira.get("/myself").headers["date"] for _ in range(3)]
    assert set(dates) == {"Sun, 22 Nov 2026 12:00:00 GMT"}
    jira.mutate("edit")
    assert jira.get("/myself").headers["date"] == "Sun, 22 Nov 2026 12:00:01 GMT"
    jira.control("clock", advance_seconds=60)
    assert jira.get("/myself").headers["date"] == "Sun, 22 Nov 2026 12:01:01 GMT"
