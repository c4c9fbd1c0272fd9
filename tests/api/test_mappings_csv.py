"""CSV of rules over the API, and queries that do not grow with rows."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mappings.models import WitHierarchy
from tests.api.mappings_world import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Program:
    """A program of an editor."""
    return Program()


def exported(program: Program, table: str) -> str:
    """The CSV of a table."""
    answer: Any = program.api.get(f"/api/v1/mapping-export/?table={table}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    return b"".join(answer).decode()


def imported(program: Program, query: str, text: str) -> Any:
    """What an import answers."""
    return program.api.post(
        f"/api/v1/mapping-import/?{query}", text.encode(), content_type="text/csv"
    )


def test_what_is_exported_changes_nothing_when_it_is_imported(program: Program) -> None:
    for table in ("hierarchies", "wit-mappings", "workflows", "status-mappings", "custom-fields"):
        text = exported(program, table)
        answer = imported(program, f"table={table}&apply=true&mode=replace", text)
        assert answer.status_code == 200, answer.content
        assert (answer.json()["change_set"], answer.json()["rows"]) == (None, [])


def test_a_file_is_previewed_and_then_done(program: Program) -> None:
    text = exported(program, "wit-mappings").replace("bug,,Bug,", "bug,,Defect,")
    found = imported(program, "table=wit-mappings", text).json()
    assert found["counts"]["changed"] == 1
    assert found["rows"][0]["cells"] == [{"column": "target", "before": "Bug", "after": "Defect"}]
    assert found["impact"]["touched_count"] == 12
    assert program.versions() == [1]
    done = imported(program, "table=wit-mappings&apply=true", text).json()
    assert (done["impact"], done["change_set"]["touched_count"]) == (None, 12)
    assert program.versions() == [1, 2]


def test_what_is_wrong_is_told_by_row_and_column(program: Program) -> None:
    answer = imported(program, "table=hierarchies&apply=true", "level,name\r\nx,Epic\r\n9,\r\n")
    assert answer.status_code == 400
    answer = imported(
        program, "table=hierarchies&apply=true", "level,name,active\r\nx,Epic,\r\n9,,maybe\r\n"
    )
    assert answer.status_code == 400
    pointers = [each["pointer"] for each in answer.json()["errors"]]
    assert pointers == ["/2/level", "/3/name", "/3/active"]
    assert imported(program, "table=nothing", "").status_code == 400
    assert imported(program, "table=hierarchies", "\xff").status_code == 400
    assert program.versions() == [1]


LISTS = (
    "wits/",
    "statuses/",
    "custom-fields/",
    "wit-hierarchies/",
    "wit-mappings/",
    "status-mappings/",
    "workflows/",
    "workflow-steps/",
    "mapping-versions/",
    "mapping-inbox/",
)


def queries_of(program: Program) -> dict[str, int]:
    """How many queries each list takes."""
    counts = {}
    for path in LISTS:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            program.read(path)
        counts[path] = len(caught)
    return counts


def test_lists_take_as_many_queries_for_many_rows_as_for_few(program: Program) -> None:
    queries_of(program)
    few = queries_of(program)
    for name, rows in (
        ("wit-hierarchies", [{"level": 20 + n, "name": f"L{n}"} for n in range(20)]),
        ("wit-mappings", [program.type_rule(from_name=f"N{n}") for n in range(20)]),
        ("workflows", [{"name": f"W{n}", "steps": []} for n in range(20)]),
    ):
        assert program.ask("post", f"{name}/bulk/", rows).status_code == 200
    assert queries_of(program) == few
    assert program.get(WitHierarchy, level=20).name == "L0"
