"""Comments whose address does not tell a pull request from another conversation."""

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.providers.github.tests.samples import API, ISSUE_COMMENT, PULL, WEB
from tests.path.working import exported, load

pytestmark = pytest.mark.django_db(transaction=True)


def write(directory: Path, **streams: list[dict[str, Any]]) -> Path:
    (directory / "github").mkdir(parents=True)
    for name, entities in streams.items():
        text = "".join(json.dumps(entity) + "\n" for entity in entities)
        (directory / "github" / f"{name}.jsonl").write_text(text)
    return directory


def comment(source_id: int, number: int, kind: str | None) -> dict[str, Any]:
    page = f"{WEB}/{kind}/{number}#issuecomment-{source_id}" if kind else None
    there = {"issue_url": f"{API}/issues/{number}", "html_url": page}
    return ISSUE_COMMENT | {"id": source_id} | there


def loaded() -> list[str]:
    return [row["source_id"] for row in exported("comments")]


def test_a_comment_that_may_be_on_an_issue_waits_for_a_pull_request_of_its_number(
    tmp_path: Path,
) -> None:
    comments = [
        comment(1, 7, "issues"),
        comment(2, 8, "issues"),
        comment(3, 9, "pull"),
        comment(4, 7, None),
    ]
    load(write(tmp_path / "comments", issue_comments=comments))
    assert loaded() == ["3"]
    load(write(tmp_path / "pulls", pulls=[PULL]))
    assert loaded() == ["1", "4", "3"]


def test_a_pull_request_of_another_repository_makes_no_comment_its_own(tmp_path: Path) -> None:
    elsewhere = PULL | {"base": None, "url": "https://api.github.com/repos/acme/bees/pulls/7"}
    load(write(tmp_path, issue_comments=[comment(1, 7, "issues")], pulls=[elsewhere]))
    assert loaded() == []


def test_a_pull_request_of_another_tenant_makes_no_comment_its_own(
    tmp_path: Path,
) -> None:
    load(write(tmp_path / "pulls", pulls=[PULL]), tenant="other")
    load(write(tmp_path / "comments", issue_comments=[comment(1, 7, "issues")]))
    assert loaded() == []
