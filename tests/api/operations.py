"""Every operation of the API, as the schema and its views tell them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from django.db import models
from drf_spectacular.generators import SchemaGenerator

from tenants.api.paging import PARAMETERS
from tenants.models import Tenant
from tenants.scope import TenantManager
from tests.admin.world import World

MISSING: Final = 987_654_321
"""An id of nothing."""


@dataclass(frozen=True)
class Operation:
    """One method of one address. path: with its parameters in braces."""

    path: str
    method: str
    view: Any
    schema: Mapping[str, Any] = field(hash=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> list[str]:
        """The parameters of the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def queries(self) -> list[Mapping[str, Any]]:
        """The query parameters, but for those of pages."""
        parameters = self.schema.get("parameters", ())
        others = (*PARAMETERS, "changed_since")  # of a change, which is no row
        return [each for each in parameters if each["in"] == "query" and each["name"] not in others]

    @property
    def is_public(self) -> bool:
        """Whether it needs no account."""
        return {} in self.schema.get("security", [{}])

    @property
    def needed(self) -> list[dict[str, str]]:
        """Queries to ask it with, each with what it needs: every choice there is of that."""
        found: list[dict[str, str]] = [{}]
        for each in self.queries:
            if each.get("required"):
                choices = resolved(each["schema"])["enum"]
                found = [{**one, each["name"]: choice} for one in found for choice in choices]
        return found

    def at(self, values: Mapping[str, object]) -> str:
        """Return its address."""
        return self.path.format(**{name: values[name] for name in self.names})


@cache
def document() -> dict[str, Any]:
    """The schema of the API."""
    generator: Any = SchemaGenerator  # which has no types
    found: dict[str, Any] = generator().get_schema(request=None, public=True)
    return found


@cache
def operations() -> tuple[Operation, ...]:
    """Every operation, by address and method."""
    maker: Any = SchemaGenerator
    generator = maker()
    generator._initialise_endpoints()
    endpoints = generator._get_paths_and_endpoints()
    found = []
    for path, _regex, method, view in endpoints:
        known = document()["paths"].get(path, {}).get(method.lower())
        if known is not None:
            found.append(Operation(path, method, view, known))
    return tuple(sorted(found, key=str))


def resolved(schema: Any) -> Any:
    """Return a part of the schema with the reference that it may be followed."""
    while isinstance(schema, dict) and "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(schema, dict) and len(schema.get("allOf", ())) == 1:
        return resolved(schema["allOf"][0])
    return schema


def body_schema(operation: Operation) -> Any:
    """Return the schema of the JSON body; None without one."""
    content = operation.schema.get("requestBody", {}).get("content", {})
    return resolved(content.get("application/json", {}).get("schema"))


MODELS_OF: Final[dict[str, type[models.Model]]] = {"public_id": Tenant}
"""Whose row a parameter of a path names where it is not the model of the view set."""


def model_of(operation: Operation, name: str) -> type[models.Model]:
    """Return whose row a parameter of the path names; raise KeyError if nobody said."""
    view = operation.view
    own = getattr(view, "lookup_url_kwarg", None) or getattr(view, "lookup_field", None)
    model: type[models.Model] | None = getattr(view, "model", None)
    if model is not None and name in (own, "id", "pk"):
        return model
    return MODELS_OF[name]


def is_owned(model: type[models.Model] | None) -> bool:
    """Whether rows of a model are of one tenant each, behind the scope."""
    return model is not None and isinstance(model._default_manager, TenantManager)


def values_of(operation: Operation, world: World) -> dict[str, object]:
    """Return the parameters of the path that name rows of a world."""
    return dict(_values(operation, world))


def _values(operation: Operation, world: World) -> Iterator[tuple[str, object]]:
    for name in operation.names:
        model = model_of(operation, name)
        row = world.tenant if model is Tenant else world.row(model)
        lookup = getattr(operation.view, "lookup_field", "pk")
        yield name, getattr(row, lookup if hasattr(row, lookup) else "pk")


def nothing_of(operation: Operation, values: Mapping[str, object]) -> dict[str, object]:
    """Return parameters of the same form that name nothing."""
    return {
        name: MISSING if isinstance(value, int) else _as_long(str(value))
        for name, value in values.items()
    }


def _as_long(text: str) -> str:
    return "".join("0" if char.isdigit() else "x" if char.isalpha() else char for char in text)
