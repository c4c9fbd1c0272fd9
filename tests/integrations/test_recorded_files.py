"""Which files of a directory are read, and that the others are named."""

from pathlib import Path

import pytest

from common.errors import UsageError
from integrations.recordings import ignored_files, recorded_files, recorded_providers
from integrations.registry import connector_for


def make(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("{}\n")
    return directory


def read(directory: Path) -> list[str]:
    return [file.path for file in recorded_files(directory, connector_for("jira"))]


def test_lines_and_pages_are_read_in_folders_of_streams_and_below(tmp_path: Path) -> None:
    names = ["jira/issues.jsonl", "jira/issues/a.json", "jira/issues/e.jsonl"]
    names += ["jira/issues/sub/b.json", "jira/issues/sub/deeper/c.jsonl"]
    assert read(make(tmp_path, *names)) == names
    assert ignored_files(tmp_path) == []


def test_every_file_that_is_not_read_is_named(tmp_path: Path) -> None:
    make(tmp_path, "jira/issues.jsonl", "README.md", "LICENSE", "ledger.json", ".git/config")
    odd = ["GitHub/pulls.jsonl", "gitlab/a/b.json", "issues.jsonl", "jira/issue.jsonl"]
    odd += ["jira/issues.json", "jira/issues/c.JSON", "jira/issues/sub/d.txt"]
    make(tmp_path, *odd)
    assert sorted(ignored_files(tmp_path)) == sorted([*odd, "GitHub/", "gitlab/"])


def test_a_provider_without_a_file_that_is_read_is_named_itself(tmp_path: Path) -> None:
    make(tmp_path, "github/repositories.jsonl", "jira/issue.jsonl")
    assert ignored_files(tmp_path) == ["jira/", "jira/issue.jsonl"]
    assert [c.slug for c in recorded_providers(tmp_path)] == ["github"]


def test_a_directory_of_which_nothing_is_read_is_refused_with_what_is_there(tmp_path: Path) -> None:
    make(tmp_path, "jira/issue.jsonl")
    with pytest.raises(UsageError, match=r"no recording.*there are jira/, jira/issue\.jsonl"):
        recorded_providers(tmp_path)


def test_links_to_folders_are_followed_but_not_round_in_circles(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/pages/a.json", "recording/jira/users.jsonl")
    jira = tmp_path / "recording" / "jira"
    (jira / "issues").symlink_to(tmp_path / "elsewhere" / "pages")
    (tmp_path / "elsewhere" / "pages" / "again").symlink_to(tmp_path / "elsewhere" / "pages")
    assert read(tmp_path / "recording") == ["jira/users.jsonl", "jira/issues/a.json"]


def test_a_name_that_is_too_long_for_a_step_is_refused(tmp_path: Path) -> None:
    make(tmp_path, f"jira/issues/{'x' * 180}.json")
    with pytest.raises(UsageError, match="longer than 170 characters"):
        recorded_providers(tmp_path)
