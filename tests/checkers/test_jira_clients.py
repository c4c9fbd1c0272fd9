"""Jira clients that nobody here wrote read the sandbox's Jira."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.checkers.conftest import HERE, Start, read_by

pytestmark = pytest.mark.checkers

# Recordings of the real Jira have these two; the schemas do not know them.
_REAL_AND_UNDESCRIBED = ("tmpFromAccountId", "tmpToAccountId")


def _ledger(ready: dict[str, Any]) -> dict[str, int]:
    with urllib.request.urlopen(ready["ledger"]) as answer:
        tables: dict[str, int] = json.load(answer)["tables"]
    return tables


def test_pycontribs_reads_cloud_to_the_end(sandbox: Start, client_python: Path) -> None:
    """The client pages by token, and what it reads is what there is."""
    ready = sandbox("--items", "130", "--seed", "3")
    found = read_by(client_python, HERE / "check_pycontribs.py", json.dumps(ready))
    assert found["is_cloud"] is True
    _agrees(found, _ledger(ready))
    assert [status for status, _ in found["refused"].values()] == [404, 401, 400, 400, 429]


def test_pycontribs_reads_data_center_to_the_end(sandbox: Start, client_python: Path) -> None:
    """The client pages by startAt, signs in by a personal token and gets whole changelogs."""
    ready = sandbox("--items", "130", "--seed", "3", "--datacenter")
    found = read_by(client_python, HERE / "check_pycontribs.py", json.dumps(ready))
    assert found["is_cloud"] is False
    _agrees(found, _ledger(ready))
    assert [status for status, _ in found["refused"].values()] == [404, 401, 400, 400, 429]


def test_pycontribs_reads_a_recording(sandbox: Start, client_python: Path, recording: Path) -> None:
    """A replayed site is as good as a made-up one."""
    ready = sandbox("--replay", str(recording))
    script = HERE / "check_pycontribs.py"
    found = read_by(client_python, script, json.dumps(ready), "--without-kanban")
    assert len(found["issues"]) == _ledger(ready)["work_items"]


def _agrees(found: dict[str, Any], tables: dict[str, int]) -> None:
    assert len(found["issues"]) == len(set(found["issues"])) == tables["work_items"]
    assert len(found["projects"]) == tables["projects"]
    assert (found["types"], found["statuses"]) == (tables["wits"], tables["statuses"])
    scrum_boards = found["boards"].count("scrum")
    assert found["sprints"] * scrum_boards == tables["sprints"]


def test_jira_js_finds_every_answer_as_its_strict_schemas_say(
    sandbox: Start, client_node: Path
) -> None:
    """No value is of another type than described, and no member is unknown."""
    ready = sandbox("--items", "130", "--seed", "3")
    script = HERE / "check_jirajs.mjs"
    line = json.dumps(ready)
    found = read_by("node", script, client_node, line, environment={"AUDIT_SCHEMAS": "true"})
    tables = _ledger(ready)
    assert len(found["issues"]) == len(set(found["issues"])) == tables["work_items"]
    assert found["count"] == tables["work_items"]
    assert found["projects"] == [2, tables["projects"]]
    assert (found["types"], found["statuses"]) == (tables["wits"], tables["statuses"])
    assert found["bulk"] == 2
    for read, expected in (found["bulkHistories"], found["changes"]):
        assert read == expected > 0
    refused = [each["status"] for each in found["refused"].values()]
    assert refused == [404, 401, 400, 400, 400, 429]
    assert found["refused"]["limited"]["retryAfterMs"] > 50_000
    allowed = ",".join(_REAL_AND_UNDESCRIBED)
    assert [each for each in found["drift"] if not each.endswith(allowed)] == []
