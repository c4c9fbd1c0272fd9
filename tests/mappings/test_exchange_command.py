"""`manage.py mappings` writes and reads the same files as the admin."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from mappings.exchange.tables import TABLES
from mappings.models import ChangeSet
from tests.mappings.exchange_world import Ruled, table

pytestmark = pytest.mark.django_db

TYPES = TABLES["wit-mappings"].columns


@pytest.fixture
def acme() -> Ruled:
    return Ruled("acme")


def said(*args: Any) -> str:
    out = io.StringIO(newline="")
    call_command("mappings", *map(str, args), "--tenant", "acme", stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "types.csv"
    path.write_text(table(TYPES, ("jira", "", "bug", "", "Defect", 0, "")), newline="")
    return path


def test_it_writes_a_table_to_standard_output_or_a_file(acme: Ruled, tmp_path: Path) -> None:
    assert said("export", "workflows") == acme.export("workflows")
    path = tmp_path / "out.csv"
    said("export", "workflows", path, "--excel")
    assert path.read_bytes().decode() == acme.export("workflows", has_mark=True)


def test_an_import_says_what_it_would_do_and_does_it_when_told(acme: Ruled, file: Path) -> None:
    before = acme.book()
    text = said("import", "wit-mappings", file)
    assert "row 2: jira, bug: target 'Bug' → 'Defect'" in text
    assert "0 added, 1 changed, 0 removed, 0 unchanged" in text
    assert "Nothing was written: --apply does it." in text
    assert acme.book() == before
    text = said("import", "wit-mappings", file, "--apply")
    assert "Imported WIT mappings: 1 changed: in effect as version" in text
    with acme.scope():
        change_set = ChangeSet.objects.get(origin=ChangeSet.Origin.IMPORT)
    assert change_set.author_name == "manage.py mappings"
    assert acme.book() != before


def test_it_reports_as_one_line_of_json(acme: Ruled, file: Path) -> None:
    found = json.loads(said("import", "wit-mappings", file, "--json", "--replace", "--apply"))
    assert (found["changed"], found["removed"] > 5, found["problem_count"]) == (1, True, 0)
    assert found["change_set"]


def test_wrong_cells_are_told_and_end_with_exit_code_1(
    acme: Ruled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(table(TYPES, ("jira", "", "bug", "", "Defect", 77, "")))
    with pytest.raises(SystemExit) as end:
        call_command("mappings", "import", "wit-mappings", str(path), tenant="acme")
    assert end.value.code == 1
    assert "row 2, level: there is no level 77" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("export", "nonsense", "--tenant", "acme"), "there is no table 'nonsense'"),
        (("export", "workflows", "--tenant", "nobody"), "there is no tenant 'nobody'"),
        (("import", "workflows", "--tenant", "acme"), "name the FILE"),
        (("import", "workflows", "/nowhere.csv", "--tenant", "acme"), "No such file"),
        (("import", "workflows", __file__, "--tenant", "acme"), "the header"),
    ],
)
def test_what_cannot_be_is_refused_with_exit_code_2(
    args: tuple[str, ...], words: str, acme: Ruled
) -> None:
    with pytest.raises(CommandError, match=words) as error:
        call_command("mappings", *args)
    assert error.value.returncode == 2
