"""`.env.example` names exactly the variables that the settings read, with their defaults."""

import ast
import re
from typing import Final

from tests.conftest import ROOT

EXAMPLE: Final = ROOT / ".env.example"
LINE: Final = re.compile(r"^#?([A-Z_]+)=(.*)$", re.MULTILINE)


def readers() -> list[ast.Call]:
    """Every call in the settings that reads a variable: env.str("NAME", default=…)."""
    tree = ast.parse((ROOT / "etl_project" / "settings.py").read_text())
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
    ]


def name_of(call: ast.Call) -> str:
    """The variable that a call reads."""
    name = ast.literal_eval(call.args[0])
    assert isinstance(name, str)
    return name


def plain_default(call: ast.Call) -> str | None:
    """The default of a call as one would write it in a file; None where it is computed."""
    (default,) = (keyword.value for keyword in call.keywords if keyword.arg == "default")
    if any(isinstance(node, ast.Name) for node in ast.walk(default)):
        return None
    value = eval(compile(ast.Expression(default), "settings.py", "eval"))
    return ",".join(value) if isinstance(value, list) else str(value)


def test_the_example_names_every_variable_once_and_no_other() -> None:
    named = [name for name, _ in LINE.findall(EXAMPLE.read_text())]
    assert len(named) == len(set(named))
    assert set(named) == {name_of(call) for call in readers()}


def test_the_example_gives_the_defaults_of_the_settings() -> None:
    given = dict(LINE.findall(EXAMPLE.read_text()))
    computed = {name_of(call) for call in readers() if plain_default(call) is None}
    assert computed == {"VAR_DIR", "STATIC_ROOT", "DATABASE_URL"}
    wanted = {name_of(call): plain_default(call) for call in readers()}
    assert {k: v for k, v in given.items() if k not in computed} == {
        k: v for k, v in wanted.items() if k not in computed
    }


def test_every_variable_of_the_example_has_a_line_that_says_what_it_means() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if LINE.match(line):
            assert lines[number - 1].startswith("# "), line
