"""What the documents name is there: files, make targets, commands with their options, columns."""

import re
from pathlib import Path
from typing import Final

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.conftest import ROOT
from warehouse.export import TABLES, columns_of

DOCUMENTS: Final = (
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)

LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
TARGET: Final = re.compile(r"\bmake ([a-z]+)\b")
COMMAND: Final = re.compile(r"manage\.py ([a-z_]+)((?:[^`\n\\|#]|\\\n)*)")
OPTION: Final = re.compile(r"(--[a-z-]+)")
CODE: Final = re.compile(r"```sh\n(.*?)```|`([^`\n]+)`", re.DOTALL)


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request: pytest.FixtureRequest) -> Path:
    """A document of the repository."""
    path: Path = request.param
    return path


def code_of(document: Path) -> str:
    """Everything that stands as code in a document, apart from diagrams."""
    return "\n".join(block or word for block, word in CODE.findall(document.read_text()))


def anchors(document: Path) -> set[str]:
    """The names under which a document's headings are linked to."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(document.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_file_that_is_named_with_its_folder_is_there(document: Path) -> None:
    named = re.findall(r"(?<![\w/.<>])[a-z_]+(?:/[a-z_]+)*/[a-z_]+\.py\b", code_of(document))
    missing = [name for name in named if not (ROOT / name).is_file()]
    assert not missing


def test_every_make_target_is_there(document: Path) -> None:
    rules = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(TARGET.findall(code_of(document))) <= set(rules)


def test_every_command_is_there_with_its_options(document: Path) -> None:
    apps = get_commands()
    for name, rest in COMMAND.findall(code_of(document)):
        assert name in apps, name
        known = options_of(str(apps[name]), name)
        assert set(OPTION.findall(rest)) <= known, (name, rest)


def options_of(app: str, name: str) -> set[str]:
    """The options that a command knows."""
    command: BaseCommand = load_command_class(app, name)
    parser = command.create_parser("manage.py", name)
    return {option for action in parser._actions for option in action.option_strings}


def test_the_readme_lists_every_exported_column() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", (ROOT / "README.md").read_text(), re.M)
    listed = {
        table: [re.sub(r" \(.*?\)", "", name).strip() for name in split_columns(columns)]
        for table, columns in rows
        if table in TABLES
    }
    assert listed == {table: [column.name for column in columns_of(table)][1:] for table in TABLES}
    assert {columns_of(table)[0].name for table in TABLES} == {"integration"}


def split_columns(text: str) -> list[str]:
    """Split at the commas outside of brackets."""
    return re.split(r",\s*(?![^(]*\))", text)
