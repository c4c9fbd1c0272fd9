"""Executes a checked query over the store's records.

The library's own executor takes some microseconds for every field of every node, which adds up to
seconds over thousands of nodes. Here the selections of a type are laid out once a request, as
steps; what remains for a node is a call of each step's resolver.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

from sandbox.github.graphql.arguments import Values, arguments, fragment_of, is_included
from sandbox.github.graphql.problems import ErrorEntry, QueryError
from sandbox.github.graphql.queries import Query, schema

Args = dict[str, Any]
Resolver = Callable[[Any, Args, Any], Any]
Resolvers = dict[str, dict[str, Resolver]]
Path = tuple[str | int, ...]


class _LostError(Exception):
    """A value that may not be null could not be given, so that its object is null."""


class Typed(NamedTuple):
    """A value of which the schema says only an interface or a union."""

    type: str
    value: Any


@dataclass(frozen=True)
class _Step:
    """One field. inner: its selections, None for a leaf; type: of the object that it gives, empty
    where that differs from value to value. is_required: where it fails, its object is null."""

    key: str
    resolve: Resolver
    args: Args
    inner: tuple[SelectionSetNode, ...] | None
    type: str
    is_list: bool
    is_required: bool = False


class Execution:
    """One execution of a query. context: handed to every resolver."""

    def __init__(self, query: Query, values: Values, resolvers: Resolvers, context: Any) -> None:
        self._query = query
        self._values = values
        self._resolvers = resolvers
        self._context = context
        self._plans: dict[tuple[tuple[int, ...], str], list[_Step]] = {}
        self.errors: list[ErrorEntry] = []

    def run(self) -> dict[str, Any] | None:
        """Return the data; what failed is null in it, or all of it, and told in `errors`."""
        try:
            return self._object("Query", None, (self._query.operation.selection_set,), ())
        except _LostError:
            return None

    def _object(
        self, name: str, value: Any, selected: tuple[SelectionSetNode, ...], path: Path
    ) -> dict[str, Any]:
        plan = self._plans.get((tuple(map(id, selected)), name))
        if plan is None:
            plan = self._plan(name, selected)
        answer = {}
        for step in plan:
            try:
                found = step.resolve(value, step.args, self._context)
                if found is not None and step.inner is not None:
                    found = self._below(step, found, path)
            except QueryError as problem:
                self.errors.append(problem.entry((*path, step.key)))
                found = self._lose(step)
            except _LostError:
                found = self._lose(step)
            answer[step.key] = found
        return answer

    @staticmethod
    def _lose(step: _Step) -> None:
        if step.is_required:
            raise _LostError

    def _below(self, step: _Step, found: Any, path: Path) -> Any:
        here = (*path, step.key)
        if not step.is_list:
            return self._one(step, found, here)
        listed = []
        for place, each in enumerate(found):
            if isinstance(each, QueryError):
                self.errors.append(each.entry((*here, place)))
                each = None
            try:
                listed.append(None if each is None else self._one(step, each, (*here, place)))
            except _LostError:
                listed.append(None)
        return listed

    def _one(self, step: _Step, value: Any, path: Path) -> dict[str, Any]:
        name = step.type
        if isinstance(value, Typed):
            name, value = value
        return self._object(name, value, step.inner or (), path)

    def _plan(self, name: str, selected: tuple[SelectionSetNode, ...]) -> list[_Step]:
        """Lay out the selections of a type."""
        on = schema().get_type(name)
        assert isinstance(on, GraphQLObjectType)
        fields: dict[str, list[FieldNode]] = {}
        for each in selected:
            self._collect(each, on, fields)
        plan = [self._step(key, nodes, on) for key, nodes in fields.items()]
        self._plans[tuple(map(id, selected)), name] = plan
        return plan

    def _collect(
        self, selected: SelectionSetNode, on: GraphQLObjectType, fields: dict[str, list[FieldNode]]
    ) -> None:
        for node in selected.selections:
            if not is_included(node, self._values):
                continue
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
                continue
            condition, inner = fragment_of(node, self._query.fragments)
            if condition is None or _applies(condition, on):
                self._collect(inner, on, fields)

    def _step(self, key: str, nodes: list[FieldNode], on: GraphQLObjectType) -> _Step:
        name = nodes[0].name.value
        if name == "__typename":
            known = self._resolvers.get(on.name, {}).get(name)
            resolve = known or (lambda value, args, context: on.name)
            return _Step(key, resolve, {}, None, "", False)
        definition = on.fields[name]
        inner = get_named_type(definition.type)
        sets = tuple(node.selection_set for node in nodes if node.selection_set is not None)
        return _Step(
            key,
            self._resolvers.get(on.name, {}).get(name) or _member(name),
            arguments(definition, nodes[0], self._values),
            None if is_leaf_type(inner) else sets,
            "" if is_abstract_type(inner) else inner.name,
            _is_list(definition.type),
            isinstance(definition.type, GraphQLNonNull),
        )


def _member(name: str) -> Resolver:
    return lambda value, args, context: value[name]


def _applies(condition: str, on: GraphQLObjectType) -> bool:
    if condition == on.name:
        return True
    kind = schema().get_type(condition)
    return kind is not None and is_abstract_type(kind) and schema().is_sub_type(kind, on)


def _is_list(kind: GraphQLOutputType) -> bool:
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    return isinstance(kind, GraphQLList)
