"""Every type of problem is told, and no other."""

import ast
from collections.abc import Iterator
from pathlib import Path

from django.test import Client
from rest_framework import exceptions

from tenants.api.problem_kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("tenants", "integrations", "mappings", "warehouse", "notices", "jobs", "etl_project")
OF_THE_FRAMEWORK = (
    exceptions.AuthenticationFailed,
    exceptions.MethodNotAllowed,
    exceptions.NotAcceptable,
    exceptions.NotAuthenticated,
    exceptions.UnsupportedMediaType,
)


def raised() -> Iterator[str]:
    """Yield the types that the code names."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and len(node.args) > 1 and _is_number(node.args[0]):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    kind = node.args[1]
                    if name in ("Problem", "problem_response") and isinstance(kind, ast.Constant):
                        yield str(kind.value)


def test_every_type_of_problem_is_told() -> None:
    known = set(raised())
    known |= {each.default_code.replace("_", "-") for each in OF_THE_FRAMEWORK}
    assert known <= set(KINDS)


def test_they_are_shown_where_their_addresses_lead(db: None) -> None:
    address = Client().get("/api/v1/me/").json()["type"]
    path, _, kind = address.partition("#")
    page = Client().get(path)
    assert f'id="{kind}"' in page.content.decode()


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)
