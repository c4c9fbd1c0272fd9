"""What cannot be understood is set aside with its reason and place; the rest is loaded."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from common.errors import UsageError
from integrations.models import Integration, QuarantinedRecord, RawPage
from integrations.raw import read
from jobs.imports import start_import
from jobs.models import JobRun
from sandbox.generate.dirty import write_dirty
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.path.working import exported, load

pytestmark = pytest.mark.django_db(transaction=True)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def problems(**conditions: Any) -> list[QuarantinedRecord]:
    with every_tenant("test"):
        return list(QuarantinedRecord.objects.filter(**conditions).order_by("id"))


def test_each_awkward_line_is_loaded_or_set_aside_and_never_lost(tmp_path: Path) -> None:
    cases = write_dirty(tmp_path)
    runs = load(tmp_path)
    assert [run.state for run in runs] == [JobRun.State.COMPLETED_WITH_ERRORS] * 2
    items = {item["source_id"] for item in exported("work_items")}
    pulls = {pull["source_id"] for pull in exported("pull_requests")}
    shas = {commit["sha"] for commit in exported("commits")}
    refused = {problem.place for problem in problems(severity="record")}
    line_of = dict.fromkeys((case.file for case in cases), 0)
    for case in cases:
        line_of[case.file] += 1
        place = f"{case.file}.jsonl:{line_of[case.file]}"
        is_loaded = case.source_id in items | pulls | shas
        match case.outcome:
            case "loads":
                assert place not in refused, case.name
                assert is_loaded, case.name
            case "refused":
                assert place in refused, case.name
            case "either":
                assert is_loaded != (place in refused), case.name


def test_a_refusal_names_reason_place_path_and_what_stood_there(tmp_path: Path) -> None:
    write_dirty(tmp_path)
    load(tmp_path)
    (date,) = (p for p in problems(reason="bad_date"))
    assert date.severity == "value"
    assert date.path == "fields.duedate"
    nested = problems(reason="too_deep")[0]
    assert nested.place.startswith("jira/issues.jsonl:")
    assert nested.excerpt.startswith('{"id":"70')


def test_the_newest_version_on_a_page_wins_wherever_it_stands(tmp_path: Path) -> None:
    write_dirty(tmp_path)
    load(tmp_path)
    titles = [item["title"] for item in exported("work_items")]
    assert "newest" in titles
    assert "older" not in titles
    assert "older again" not in titles


def test_nul_is_taken_out_of_text_and_noted(tmp_path: Path) -> None:
    write_dirty(tmp_path)
    load(tmp_path)
    assert "before" in {item["title"] for item in exported("work_items")}
    assert [note.severity for note in problems(reason="nul")] == ["note"] * 3


def test_a_line_over_the_limit_is_passed_over_without_being_held(
    tmp_path: Path, settings: Any
) -> None:
    settings.MAX_RECORD_BYTES = 1_000_000
    write_dirty(tmp_path)
    path = tmp_path / "jira" / "issues.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    with path.open("wb") as out:
        out.write(lines[0] + b'{"id": "1", "text": "' + b"x" * 100_000_000 + b'"}\n')
        out.writelines(lines[1:])
    load(tmp_path)
    (problem,) = problems(reason="too_large")
    assert problem.place == "jira/issues.jsonl:2"
    assert "100,000,0" in problem.detail
    assert len(exported("work_items")) >= 10


def test_what_was_received_is_kept_exactly_whatever_it_is(tmp_path: Path) -> None:
    write_dirty(tmp_path)
    load(tmp_path, lines_a_page=10_000)
    with every_tenant("test"):
        page = RawPage.objects.get(stream="issues")
        assert read(page) == (tmp_path / "jira" / "issues.jsonl").read_bytes()


def test_an_empty_file_is_no_error(tmp_path: Path) -> None:
    write_dirty(tmp_path)
    (tmp_path / "jira" / "sprints.jsonl").write_bytes(b"")
    load(tmp_path)
    assert problems(stream="sprints") == []


@pytest.mark.parametrize("lines_a_page", [1, 2, 500])
def test_what_lines_give_does_not_depend_on_how_many_make_a_page(
    tmp_path: Path, recording: Path, lines_a_page: int
) -> None:
    issues = [json.loads(x) for x in (recording / "jira" / "issues.jsonl").open()][:5]
    pages = [json.dumps({"issues": issues[:2]}), json.dumps({"issues": issues[2:4]})]
    bad = json.dumps(issues[4] | {"fields": issues[4]["fields"] | {"duedate": "2024-02-30"}})
    write(tmp_path / "jira" / "issues.jsonl", "\n".join(["", "", *pages, '{"id": "1",', "", bad]))
    load(tmp_path, lines_a_page=lines_a_page)
    assert {i["source_id"] for i in exported("work_items")} == {i["id"] for i in issues}
    assert {(p.place, p.reason) for p in problems()} == {
        ("jira/issues.jsonl:5", "malformed"),
        ("jira/issues.jsonl:7", "bad_date"),
    }


def test_broken_lines_are_a_problem_each(tmp_path: Path) -> None:
    write(tmp_path / "jira" / "issues.jsonl", '{"id": "1", "key":\n' * 3)
    load(tmp_path)
    assert [p.place for p in problems()] == [f"jira/issues.jsonl:{n}" for n in (1, 2, 3)]


def test_a_changed_record_is_loaded_though_another_on_its_line_did_not_change(
    tmp_path: Path, recording: Path
) -> None:
    first, second = [json.loads(x) for x in (recording / "jira" / "issues.jsonl").open()][:2]
    path = tmp_path / "jira" / "issues.jsonl"
    write(path, json.dumps({"issues": [first, second]}))
    load(tmp_path)
    newer = {"summary": "newer", "updated": "2100-01-01T00:00:00.000+0000"}
    first["fields"] |= newer
    write(path, json.dumps({"issues": [first, second]}))
    load(tmp_path)
    titles = {item["source_id"]: item["title"] for item in exported("work_items")}
    assert titles[first["id"]] == "newer"
    assert len(titles) == 2


def test_pages_as_the_api_returned_them_are_read_too(tmp_path: Path, recording: Path) -> None:
    lines = (recording / "jira" / "issues.jsonl").read_text().splitlines()
    (tmp_path / "jira" / "issues").mkdir(parents=True)
    for number, start in enumerate(range(0, len(lines), 7)):
        page = {"issues": [json.loads(line) for line in lines[start : start + 7]]}
        (tmp_path / "jira" / "issues" / f"page-{number}.json").write_text(json.dumps(page))
    load(tmp_path)
    assert len(exported("work_items")) == len(lines)


@pytest.mark.parametrize("missing", ["nowhere", "empty"])
def test_a_directory_that_is_no_recording_is_refused_and_nothing_is_made(
    tmp_path: Path, missing: str
) -> None:
    (tmp_path / "empty" / "other").mkdir(parents=True)
    with pytest.raises(UsageError, match=missing):
        start_import(tmp_path / missing, "acme", create=True)
    assert not Tenant.objects.exists()


def test_an_unknown_tenant_or_setting_is_refused_and_nothing_is_made(recording: Path) -> None:
    with pytest.raises(UsageError, match="no tenant 'acme'"):
        start_import(recording, "acme")
    with pytest.raises(UsageError, match="unknown setting colour"):
        start_import(recording, "acme", True, {"colour": "red"})
    with pytest.raises(UsageError, match="setting of jira"):
        start_import(recording, "acme", True, {"story_points_field": "points; DROP TABLE"})
    with every_tenant("test"):
        assert not Integration.objects.exists()


def test_the_command_says_what_is_wrong_and_exits_with_2(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="holds no recording") as refused:
        call_command("import_raw", str(tmp_path), tenant="acme", create=True)
    assert refused.value.returncode == 2


def test_the_command_names_every_file_that_it_does_not_read(
    tmp_path: Path, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (recording / "jira" / "sprints.jsonl").read_text()
    for name in (
        "README.md",
        "jira/sprints/a/b.jsonl",
        "jira/sprint.jsonl",
        "gitlab/pulls.jsonl",
    ):
        write(tmp_path / name, lines)
    call_command("import_raw", str(tmp_path), tenant="acme", create=True, json=True)
    told = capsys.readouterr()
    ignored = ["gitlab/", "gitlab/pulls.jsonl", "jira/sprint.jsonl"]
    assert json.loads(told.out)["ignored"] == ignored
    assert all(f": {name}\n" in told.err for name in ignored)
    assert len(exported("sprints")) == len(lines.splitlines())


def test_a_file_name_that_is_not_utf_8_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    write(tmp_path / "jira" / "issues.jsonl", "")
    write(tmp_path / "jira" / "issues" / os.fsdecode(b"p\xff.json"), "[]")
    with pytest.raises(CommandError, match=r"p\\xff\.json.*not UTF-8") as refused:
        call_command("import_raw", str(tmp_path), tenant="acme", create=True)
    assert refused.value.returncode == 2
    assert not Tenant.objects.exists()


def test_the_command_reports_what_it_set_aside_and_exits_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dirty(tmp_path)
    with pytest.raises(SystemExit) as ended:
        call_command("import_raw", str(tmp_path), tenant="acme", create=True, json=True)
    assert ended.value.code == 3
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert {run["state"] for run in report["runs"]} == {"completed_with_errors"}
    (jira,) = (run for run in report["runs"] if run["integration"] == "jira")
    places = {problem["place"]: problem["reason"] for problem in jira["problems"]}
    assert places["jira/issues.jsonl:2"] == "malformed"
    assert jira["quarantined"] >= len(jira["problems"])
