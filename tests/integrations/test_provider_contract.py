"""What every provider of the registry keeps to. A new provider is checked by being there."""

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

import msgspec
import pytest

from common.errors import RecordError
from integrations import contract
from integrations.contract import Connector, Draft, Record, StatusRule, TypeRule, setting_fields
from integrations.contract.fields import KINDS
from integrations.registry import connectors
from mappings.seeds import LEVELS, ORDERED_STEPS, UNORDERED_STEPS

HOSTILE = (
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"{}",
    b'{"id": NaN}',
    b'{"id": ' + b"9" * 5000 + b"}",
    b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"id": "\xff"}',
    b'{"id": null, "node_id": null, "key": null, "name": null}',
    "{}".encode("utf-16"),
)
ALLOWED_IMPORTS = ("integrations.contract", "common")
FORBIDDEN_ROOMS = ("etl_project", "jobs", "search", "warehouse", "mappings", "tenants", "sandbox")


@pytest.fixture(params=sorted(connectors()))
def connector(request: pytest.FixtureRequest) -> Connector:
    return connectors()[request.param]


def check_slug_is_its_folder(connector: Connector) -> None:
    assert _folder(connector).name == connector.slug
    assert connector.label
    assert connector.version >= 1


def check_streams_are_distinct_and_fill_known_tables(connector: Connector) -> None:
    names = [stream.name for stream in connector.streams]
    assert names
    assert len(set(names)) == len(names)
    assert {stream.table for stream in connector.streams} <= _tables()


def check_settings_have_defaults_and_refuse_unknown_names(connector: Connector) -> None:
    msgspec.convert({}, connector.settings_type)
    with pytest.raises(msgspec.ValidationError, match="no_such_setting"):
        msgspec.convert({"no_such_setting": "x"}, connector.settings_type)
    assert connector.settings_type.__struct_config__.frozen  # threads share one


def check_settings_are_declared_with_labels_and_pick_from_what_is_discovered(
    connector: Connector,
) -> None:
    declared = setting_fields(connector.settings_type)
    assert len({each.label for each in declared}) == len(declared)
    slugs = {each.slug for each in connector.discoveries}
    for each in declared:
        assert each.kind in KINDS
        assert each.label[0].isupper()
        assert not each.picks or each.picks in slugs, each.name
        assert (each.kind == "address") == each.name.endswith("_url"), each.name
    assert {each.picks for each in declared if each.picks} == slugs
    assert connector.description
    assert connector.default_url or connector.url_example


def check_hostile_records_are_refused_as_records(connector: Connector) -> None:
    settings = connector.settings_type()
    for stream in connector.streams:
        for body in HOSTILE:
            with pytest.raises(RecordError) as refused:
                connector.normalize(stream.name, Record(0, body), settings)
            assert refused.value.reason


def check_bodies_that_are_no_page_are_refused(connector: Connector) -> None:
    bodies = (b"<html><body>Log in</body></html>", b'{"message": "no"}', b'{"x": [1', b"7")
    for stream in connector.streams:
        for body in bodies:
            with pytest.raises(RecordError):
                list(connector.split(stream.name, body))


def check_a_broken_line_moves_no_other(connector: Connector) -> None:
    lines = [b'{"id": 1, "a": 1}', b"", b'{"id": 2, "a"', b'{"id": 3, "a": 1}']
    for stream in connector.streams:
        records = connector.split(stream.name, b"\n".join(lines) + b"\n", is_lines=True)
        expected = [(place, body) for place, body in enumerate(lines) if body]
        assert [(record.position, record.body) for record in records] == expected


def check_lines_give_the_same_together_and_apart(connector: Connector) -> None:
    lines = [b"", b'[{"id": 1}, {"id": 2}]', b'{"id": 3}', b"<html>", b"7", b'{"x": [1', *HOSTILE]
    for stream in connector.streams:
        together = connector.split(stream.name, b"\n".join(lines), is_lines=True)
        apart = [
            (place, record.body)
            for place, line in enumerate(lines)
            for record in connector.split(stream.name, line, is_lines=True)
        ]
        assert [(record.position, record.body) for record in together] == apart
        assert [record for record in apart if record[0] == 1] == [
            (1, b'{"id": 1}'),
            (1, b'{"id": 2}'),
        ]
        assert {place for place, _ in apart} >= {1, 2, 3, 4, 5}
        assert not list(connector.split(stream.name, b"", is_lines=True))


def check_starter_rules_are_distinct_and_complete(connector: Connector) -> None:
    types: list[TypeRule] = list(connector.presets.types)
    statuses: list[StatusRule] = list(connector.presets.statuses)
    type_keys = [(rule.from_name, rule.from_level) for rule in types]
    status_keys = [(rule.from_name, rule.from_category) for rule in statuses]
    for keys in (type_keys, status_keys):
        assert len(set(keys)) == len(keys)
        assert all((first is None) != (second is None) for first, second in keys)
    assert all(rule.target for rule in types)
    assert all(rule.target for rule in statuses)
    assert {rule.level for rule in types} <= set(LEVELS)
    assert {rule.step for rule in statuses} <= {name for name, _ in ORDERED_STEPS + UNORDERED_STEPS}


def check_it_imports_only_the_contract_and_the_leaf(connector: Connector) -> None:
    for path in _folder(connector).rglob("*.py"):
        if "tests" in path.parts:
            continue
        for name in _imported(path):
            room = name.partition(".")[0]
            assert room not in FORBIDDEN_ROOMS, (path, name)
            assert room != "django", (path, name)
            if room == "integrations":
                assert name.startswith((*ALLOWED_IMPORTS, _package(connector))), (path, name)


CHECKS: Final[tuple[Callable[[Connector], None], ...]] = (
    check_slug_is_its_folder,
    check_streams_are_distinct_and_fill_known_tables,
    check_settings_have_defaults_and_refuse_unknown_names,
    check_settings_are_declared_with_labels_and_pick_from_what_is_discovered,
    check_hostile_records_are_refused_as_records,
    check_bodies_that_are_no_page_are_refused,
    check_a_broken_line_moves_no_other,
    check_lines_give_the_same_together_and_apart,
    check_starter_rules_are_distinct_and_complete,
    check_it_imports_only_the_contract_and_the_leaf,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_a_provider_keeps_the_contract(
    connector: Connector, check: Callable[[Connector], None]
) -> None:
    check(connector)


def _tables() -> set[str]:
    return {draft.table for draft in _draft_types()}


def _draft_types() -> list[type[Draft]]:
    found = [member for member in vars(contract).values() if isinstance(member, type)]
    return [member for member in found if issubclass(member, Draft) and member is not Draft]


def _package(connector: Connector) -> str:
    return type(connector).__module__.rpartition(".")[0]


def _folder(connector: Connector) -> Path:
    return Path(str(import_module(_package(connector)).__file__)).parent


def _imported(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
    return names
